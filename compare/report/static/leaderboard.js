'use strict';

/** The first page: a row per model, a column per task's headline, or per metric. */
(function (Report) {
  const { h, fill } = Report;

  async function render(root, route) {
    const { t } = Report;
    const { index } = Report.data;
    const state = {
      metrics: route.params.get('metrics') ?? 'headline',
      under: route.params.get('under') ?? 'interval',
      sort: route.params.get('sort') ?? (index.overall.model.length ? 'mean' : ''),
      q: route.params.get('q') ?? '',
      from: route.params.get('from') ?? '',
      to: route.params.get('to') ?? '',
    };
    const place = h('div');
    const shown = h('span', { class: 'hint', 'aria-live': 'polite' });
    const change = (name) => (value) => {
      state[name] = value;
      Report.router.set({ [name]: defaults[name] === value ? '' : value });
      draw();
    };
    const taskOptions = index.tasks.map((task, i) => [String(i), t('leaderboard.metrics_of', { task: task.name })]);
    const sizes = index.models.some((model) => Report.format.known(model.params));
    const bounds = { min: 0, step: 'any', inputmode: 'decimal' };
    fill(
      root,
      h(
        'div',
        { class: 'controls' },
        Report.choices.field(t('leaderboard.filter'), 'search', state.q, change('q'), {
          placeholder: t('leaderboard.filter_hint'),
        }),
        sizes
          ? [
              Report.choices.field(t('leaderboard.from'), 'number', state.from, change('from'), bounds),
              Report.choices.field(t('leaderboard.to'), 'number', state.to, change('to'), bounds),
            ]
          : null,
        Report.choices.select(
          t('leaderboard.columns'),
          [['headline', t('leaderboard.headline')], ['all', t('leaderboard.all')], ...taskOptions],
          state.metrics,
          change('metrics'),
        ),
        Report.choices.switcher(
          t('leaderboard.under'),
          [
            ['interval', t('leaderboard.interval')],
            ['rank', t('leaderboard.rank')],
            ['none', t('leaderboard.none')],
          ],
          state.under,
          change('under'),
        ),
        shown,
      ),
      place,
      Report.published(index.published),
      notes(index.notes),
    );

    async function draw() {
      const cells = await cellsFor(state.metrics);
      const rows = filtered(state);
      fill(shown, t('leaderboard.shown', { count: rows.length, all: index.models.length }));
      const sorted = (sort) => {
        state.sort = sort;
        Report.router.set({ sort: defaults.sort === sort ? '' : sort });
      };
      fill(place, board(rows, cells, state, sorted), legend(cells));
    }
    await draw();
  }

  const defaults = { metrics: 'headline', under: 'interval', sort: 'mean', q: '', from: '', to: '' };

  async function cellsFor(metrics) {
    const headlines = Report.data.rows(Report.data.index.cells);
    if (metrics === 'headline') return headlines;
    const others = Report.data.rows(await Report.data.load('cells'));
    const all = [...headlines, ...others];
    return metrics === 'all' ? all : all.filter((cell) => cell.task === Number(metrics));
  }

  function filtered(state) {
    const { index } = Report.data;
    const word = state.q.trim().toLowerCase();
    const from = state.from === '' ? null : Number(state.from);
    const to = state.to === '' ? null : Number(state.to);
    const overall = new Map(Report.data.rows(index.overall).map((row) => [row.model, row]));
    return index.models
      .map((model, i) => ({ model, i, overall: overall.get(i) ?? null }))
      .filter(({ model }) => {
        const names = [model.label, model.id, model.hub, model.licence].filter(Boolean).join(' ').toLowerCase();
        if (word && !names.includes(word)) return false;
        if (from !== null && !(model.params >= from)) return false;
        return !(to !== null && !(model.params !== null && model.params <= to));
      });
  }

  /** Columns of the scores: tasks in their order, headline first within each. */
  function scoreColumns(cells, state) {
    const { index } = Report.data;
    const { format } = Report;
    const found = Report.cells.byPlace(cells);
    const columns = [];
    const groups = [];
    index.tasks.forEach((task, i) => {
      const present = new Set(cells.filter((cell) => cell.task === i).map((cell) => cell.metric));
      const metrics = [task.headline, ...task.metrics.filter((metric) => metric !== task.headline)].filter((metric) =>
        present.has(metric),
      );
      for (const metric of metrics) {
        const own = cells.filter((cell) => cell.task === i && cell.metric === metric);
        const options = {
          range: Report.cells.range(own),
          digits: format.digits(own.map((cell) => cell.value)),
          under: state.under,
        };
        const cellOf = (row) => found.get(`${row.i}/${i}/${metric}`);
        columns.push({
          key: `${task.name}:${index.metrics[metric]}`,
          label: format.metric(index.metrics[metric]),
          class: 'score',
          descending: !task.lower.includes(metric),
          // What is not ranked has no place among the sorted.
          order: (row) => (cellOf(row)?.ranked ? cellOf(row).value : null),
          cell: (row) => Report.cells.show(cellOf(row), { ...options, marks: Report.cells.marksOf(row.i, i) }),
        });
      }
      if (metrics.length) groups.push({ label: taskLink(task), span: metrics.length });
    });
    return { columns, groups };
  }

  function taskLink(task) {
    return h('a', { href: Report.router.link('samples', [task.name]) }, Report.text.inline(task.name));
  }

  function board(rows, cells, state, onSort) {
    const { t, format } = Report;
    const { columns, groups } = scoreColumns(cells, state);
    const [tasks, models] = [Report.data.index.tasks.length, Report.data.index.models.length];
    const seconds = (row) => (row.model.seconds.generate === undefined ? null : row.model.seconds.generate);
    const own = [
      { key: 'model', label: t('leaderboard.model'), class: 'model', order: (row) => row.model.label, cell: modelCell },
      {
        key: 'mean',
        label: t('leaderboard.mean_rank'),
        class: 'number',
        // A mean over few tasks is no better place than one over all.
        order: ({ overall }) => (overall ? (tasks - overall.tasks) * (models + 1) + overall.mean_rank : null),
        about: () => t('leaderboard.mean_rank_about'),
        cell: meanRank,
      },
    ];
    const more = [
      {
        key: 'params',
        label: t('leaderboard.params'),
        class: 'number',
        order: (row) => row.model.params,
        cell: (row) => (row.model.params === null ? format.missing : String(row.model.params)),
      },
      {
        key: 'seconds',
        label: t('leaderboard.seconds'),
        class: 'number',
        order: seconds,
        about: () => t('leaderboard.seconds_about'),
        cell: (row) =>
          Report.tip.explain(h('td', { class: 'number' }, format.duration(seconds(row))), () => speed(row.model)),
      },
      {
        key: 'usd',
        label: t('leaderboard.usd'),
        class: 'number',
        order: (row) => row.model.usd,
        about: () => t('leaderboard.usd_about'),
        cell: (row) => format.usd(row.model.usd),
      },
    ].filter((column) => Report.data.index.models.some((model) => format.known(column.order({ model }))));
    return Report.table({
      columns: [...own, ...columns, ...more],
      groups: [{ label: '', span: own.length }, ...groups, ...(more.length ? [{ label: '', span: more.length }] : [])],
      rows,
      sort: state.sort,
      onSort,
      caption: t('page.leaderboard'),
      class: 'leaderboard',
      rowClass: (row) => (row.i === Report.data.index.baseline ? 'baseline' : null),
    });
  }

  function modelCell({ model, i }) {
    const { t } = Report;
    const whole = model.marks.filter(([, task]) => task === '');
    const signs = [...new Set(whole.map(([kind]) => Report.cells.symbols[kind] ?? '*'))].join(' ');
    const lines = [model.licence, i === Report.data.index.baseline ? t('leaderboard.baseline') : null].filter(Boolean);
    const element = h(
      'th',
      { scope: 'row', class: 'model' },
      h('span', { class: 'label' }, Report.text.inline(model.label), signs ? h('sup', null, signs) : null),
      lines.length || model.failed
        ? h(
            'span',
            { class: 'under' },
            lines.map((line, at) => [at ? ' · ' : '', Report.text.inline(line)]),
            model.failed ? h('span', { class: 'bad' }, ` ${t('leaderboard.failed')}`) : null,
          )
        : null,
    );
    return Report.tip.explain(element, () => [
      h('p', { class: 'tip-title' }, Report.text.inline(model.label)),
      Report.tip.facts([
        ['id', Report.text.inline(model.id)],
        ['hub', model.hub && Report.text.inline(model.hub)],
        [t('model.revision'), model.revision && Report.text.inline(model.revision)],
        [t('model.licence'), model.licence ? Report.text.inline(model.licence) : t('model.unknown')],
        [t('model.failed'), model.failed && Report.text.inline(model.failed)],
      ]),
      model.marks.map(([kind, task, text]) =>
        h(
          'p',
          null,
          h('sup', null, Report.cells.symbols[kind] ?? '*'),
          ' ',
          task ? [Report.text.inline(task), ': '] : null,
          Report.text.inline(Report.said(text)),
        ),
      ),
    ]);
  }

  function meanRank({ overall }) {
    const { format } = Report;
    if (!overall) return h('td', { class: 'number' }, format.missing);
    return h(
      'td',
      { class: 'number' },
      h('span', { class: 'value' }, format.score(overall.mean_rank, 1)),
      h(
        'span',
        { class: 'under' },
        format.interval(overall.ci_low, overall.ci_high, 1),
        ` · ${overall.tasks}/${Report.data.index.tasks.length}`,
      ),
    );
  }

  function speed(model) {
    const { t, format } = Report;
    return Report.tip.facts([
      [t('leaderboard.seconds_generate'), format.duration(model.seconds.generate)],
      [t('leaderboard.seconds_judge'), format.duration(model.seconds.judge)],
      [t('leaderboard.gpus'), model.gpus === null ? '' : String(model.gpus)],
    ]);
  }

  /** What the marks of the cells in sight mean. */
  function legend(cells) {
    const { t } = Report;
    const { index } = Report.data;
    const kinds = new Set(index.models.flatMap((model) => model.marks.map(([kind]) => kind)));
    const reasons = [...new Set(cells.map((cell) => cell.why_not_ranked))].filter((place) => place !== null);
    return h(
      'section',
      { class: 'legend', 'aria-label': t('legend.title') },
      h('p', null, h('strong', null, '63.4'), ' ', t('legend.best')),
      h(
        'p',
        null,
        h('span', { class: 'bar sample', vars: { from: '20%', size: '50%', at: '45%' } }),
        ' ',
        t('legend.bar', { percent: Math.round(100 * index.confidence) }),
      ),
      reasons.length ? h('p', null, h('span', { class: 'dashed sample' }, '63.4'), ' ', t('legend.dashed')) : null,
      reasons.length
        ? h(
            'ul',
            null,
            reasons.slice(0, 30).map((place) => h('li', null, Report.text.inline(Report.said(index.reasons[place])))),
          )
        : null,
      Object.entries(Report.cells.symbols)
        .filter(([kind]) => kinds.has(kind))
        .map(([kind, sign]) => h('p', null, h('sup', null, sign), ' ', t(`mark.${kind}`))),
    );
  }

  function notes(lines) {
    if (!lines.length) return null;
    return h(
      'section',
      { class: 'notes' },
      h('h2', null, Report.t('notes.title')),
      h(
        'ul',
        null,
        lines.map((line) => h('li', null, Report.text.inline(line))),
      ),
    );
  }

  Report.pages.leaderboard = { render };
})(window.Report);
