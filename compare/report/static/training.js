'use strict';

/** Ablations and checkpoints: differences to a baseline, and scores by step. */
(function (Report) {
  const { h, fill } = Report;

  async function render(root, route) {
    const { t } = Report;
    const { load, rows, index } = Report.data;
    const content = await load('training');
    const deltas = rows(content.deltas);
    const parts = [];
    if (content.curves.length)
      parts.push(h('section', null, h('h2', null, t('training.curves')), curves(content.curves, route)));
    if (deltas.length && index.baseline !== null) {
      parts.push(
        h(
          'section',
          null,
          h('h2', null, t('training.deltas', { model: Report.text.flat(index.models[index.baseline].label) })),
          table(deltas, route),
        ),
      );
    }
    fill(root, parts.length ? parts : h('p', { class: 'nothing' }, t('training.nothing')));
  }

  function curves(all, route) {
    const { t } = Report;
    const { index } = Report.data;
    const tasks = [...new Set(all.map((curve) => curve.task))];
    const task = tasks.find((place) => index.tasks[place].name === route.parts[0]) ?? tasks[0];
    const metrics = [...new Set(all.filter((curve) => curve.task === task).map((curve) => curve.metric))];
    const metric =
      metrics.find((place) => index.metrics[place] === route.parts[1]) ??
      metrics.find((place) => place === index.tasks[task].headline) ??
      metrics[0];
    const go = (...parts) => Report.go(Report.router.link('training', parts, route.params));
    const values = all
      .filter((curve) => curve.task === task && curve.metric === metric)
      .flatMap((curve) =>
        Report.data.rows(curve.points).map((point) => ({
          series: Report.text.flat(curve.series),
          step: point.step,
          value: point.value,
          low: point.low,
          high: point.high,
          interval: Report.format.interval(point.low, point.high, 2),
        })),
      );
    return [
      h(
        'div',
        { class: 'controls' },
        Report.choices.select(
          t('task'),
          tasks.map((place) => [index.tasks[place].name, index.tasks[place].name]),
          index.tasks[task].name,
          (name) => go(name),
        ),
        Report.choices.select(
          t('metric'),
          metrics.map((place) => [index.metrics[place], Report.format.metric(index.metrics[place])]),
          index.metrics[metric],
          (name) => go(index.tasks[task].name, name),
        ),
      ),
      Report.charts.chart(curveSpec(values, Report.format.metric(index.metrics[metric])), {
        label: t('training.curves'),
        class: 'wide',
      }),
    ];
  }

  function curveSpec(values, title) {
    const { t } = Report;
    const x = { field: 'step', type: 'quantitative', title: t('training.step') };
    const color = { field: 'series', type: 'nominal', legend: { title: null, orient: 'bottom' } };
    const scale = { zero: false };
    return {
      width: 'container',
      height: 300,
      data: { values },
      encoding: { x, color },
      layer: [
        {
          mark: { type: 'area', opacity: 0.16 },
          encoding: { y: { field: 'low', type: 'quantitative', title, scale }, y2: { field: 'high' } },
        },
        {
          mark: { type: 'line', strokeWidth: 2, point: { size: 50 } },
          encoding: {
            y: { field: 'value', type: 'quantitative', title, scale },
            tooltip: [
              { field: 'series', title: t('training.series') },
              { field: 'step', title: t('training.step') },
              { field: 'value', title: t('cell.value'), format: '.2f' },
              { field: 'interval', title: t('cell.interval') },
            ],
          },
        },
      ],
    };
  }

  function table(deltas, route) {
    const { t, format } = Report;
    const { index } = Report.data;
    const metrics = route.params.get('metrics') ?? 'headline';
    const shown = metrics === 'all' ? deltas : deltas.filter((row) => row.metric === index.tasks[row.task].headline);
    const digits = format.digits(shown.map((row) => 4 * row.difference));
    return [
      Report.choices.switcher(
        t('leaderboard.columns'),
        [
          ['headline', t('leaderboard.headline')],
          ['all', t('leaderboard.all')],
        ],
        metrics,
        (value) => Report.go(Report.router.link('training', route.parts, value === 'all' ? { metrics: 'all' } : {})),
      ),
      Report.table({
        caption: t('page.training'),
        rows: shown,
        columns: [
          {
            key: 'model',
            label: t('leaderboard.model'),
            order: (row) => index.models[row.a].label,
            cell: (row) => h('th', { scope: 'row', class: 'model' }, Report.text.inline(index.models[row.a].label)),
          },
          {
            key: 'task',
            label: t('task'),
            order: (row) => index.tasks[row.task].name,
            cell: (row) => Report.text.inline(index.tasks[row.task].name),
          },
          {
            key: 'metric',
            label: t('metric'),
            order: (row) => index.metrics[row.metric],
            cell: (row) => format.metric(index.metrics[row.metric]),
          },
          {
            key: 'difference',
            label: t('differences.difference'),
            class: 'number',
            descending: true,
            order: (row) => row.difference,
            cell: (row) => format.signed(row.difference, digits),
          },
          {
            key: 'interval',
            label: t('cell.interval'),
            class: 'number',
            cell: (row) => format.interval(row.ci_low, row.ci_high, digits),
          },
          {
            key: 'p',
            label: t('differences.adjusted'),
            class: 'number',
            order: (row) => row.p_adjusted,
            cell: (row) => format.probability(row.p_adjusted),
          },
          {
            key: 'verdict',
            label: t('differences.verdict'),
            cell: (row) =>
              row.significant
                ? h('strong', null, t('differences.significant'))
                : h('span', { class: 'quiet' }, t(row.p_adjusted === null ? 'cell.unranked' : 'differences.open')),
          },
          { key: 'n', label: t('differences.documents'), class: 'number', cell: (row) => format.count(row.n) },
        ],
      }),
    ];
  }

  Report.pages.training = { render };
})(window.Report);
