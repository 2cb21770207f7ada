'use strict';

/** Every model against every other, for a task and a metric: the difference, and whether it stands after correction. */
(function (Report) {
  const { h, fill } = Report;

  async function render(root, route) {
    const { t } = Report;
    const { index, load } = Report.data;
    if (!index.has.differences) {
      fill(root, h('p', { class: 'nothing' }, t('differences.nothing')));
      return;
    }
    const i = Math.max(
      0,
      index.tasks.findIndex((task) => task.name === route.parts[0]),
    );
    const task = index.tasks[i];
    const tables = await load(`differences/${i}`).catch(() => ({}));
    const names = Object.keys(tables);
    const metric =
      names.find((name) => name === route.parts[1]) ??
      names.find((name) => name === index.metrics[task.headline]) ??
      names[0];
    const go = (name, one) => Report.go(Report.router.link('differences', one ? [name, one] : [name]));
    fill(
      root,
      h(
        'div',
        { class: 'controls' },
        Report.choices.select(
          t('task'),
          index.tasks.map((one) => [one.name, one.name]),
          task.name,
          (name) => go(name),
        ),
        Report.choices.select(
          t('metric'),
          names.map((name) => [name, Report.format.metric(name)]),
          metric ?? '',
          (name) => go(task.name, name),
        ),
      ),
      metric === undefined
        ? h('p', { class: 'nothing' }, t('differences.nothing'))
        : matrix(task, i, metric, Report.data.rows(tables[metric]), await rankedBy(task, i, metric)),
      h('p', { class: 'hint' }, t('differences.how', { percent: Math.round(100 * index.confidence) })),
    );
  }

  /** The models that have a rank by a metric of a task. */
  async function rankedBy(task, i, metric) {
    const { index, load, rows } = Report.data;
    const place = index.metrics.indexOf(metric);
    const cells = rows(place === task.headline ? index.cells : await load('cells'));
    const own = cells.filter((cell) => cell.task === i && cell.metric === place && cell.ranked);
    return new Set(own.map((cell) => cell.model));
  }

  function matrix(task, i, metric, pairs, ranked) {
    const { t } = Report;
    const { index } = Report.data;
    const found = new Map();
    for (const pair of pairs) {
      found.set(`${pair.a}/${pair.b}`, pair);
      found.set(`${pair.b}/${pair.a}`, {
        ...pair,
        a: pair.b,
        b: pair.a,
        difference: -pair.difference,
        ci_low: minus(pair.ci_high),
        ci_high: minus(pair.ci_low),
      });
    }
    const order = orderOf(task, metric, pairs, ranked);
    const signs = (model) => Report.cells.signsOf(model, i, ranked.has(model));
    const lower = task.lower.includes(index.metrics.indexOf(metric));
    const digits = Report.format.digits(pairs.map((pair) => 4 * pair.difference));
    const greatest = Math.max(...pairs.map((pair) => Math.abs(pair.difference)), 1e-9);
    const number = new Map(order.map((model, at) => [model, ranked.has(model) ? at + 1 : signs(model)]));
    const head = h(
      'tr',
      null,
      h('th', { scope: 'col' }, t('differences.row_minus_column')),
      order.map((model) =>
        Report.tip.explain(
          h(
            'th',
            { scope: 'col', class: 'number' },
            number.get(model),
            h('span', { class: 'hidden' }, Report.text.inline(index.models[model].label)),
          ),
          () => Report.text.inline(index.models[model].label),
        ),
      ),
    );
    const lines = order.map((row) =>
      h(
        'tr',
        null,
        h(
          'th',
          { scope: 'row', class: 'model' },
          h('span', { class: 'place' }, ranked.has(row) ? number.get(row) : Report.format.missing),
          ' ',
          Report.text.inline(index.models[row].label),
          signs(row) ? h('sup', null, signs(row)) : null,
        ),
        order.map((column) =>
          Report.differenceCell(found.get(`${row}/${column}`), { digits, greatest, lower, own: row === column }),
        ),
      ),
    );
    return h(
      'div',
      { class: 'scroller', tabindex: 0, role: 'region', 'aria-label': t('page.differences') },
      h(
        'table',
        { class: 'matrix' },
        h('caption', { class: 'hidden' }, t('page.differences')),
        h('thead', null, head),
        h('tbody', null, lines),
      ),
    );
  }

  const minus = (value) => (value === null ? null : -value);

  /** The models that are compared, best first; those that are not ranked come last. */
  function orderOf(task, metric, pairs, ranked) {
    const { index } = Report.data;
    const present = [...new Set(pairs.flatMap((pair) => [pair.a, pair.b]))];
    const sum = new Map(present.map((model) => [model, 0]));
    for (const pair of pairs) {
      sum.set(pair.a, sum.get(pair.a) + pair.difference);
      sum.set(pair.b, sum.get(pair.b) - pair.difference);
    }
    const sign = task.lower.includes(index.metrics.indexOf(metric)) ? -1 : 1;
    return present.sort((a, b) => ranked.has(b) - ranked.has(a) || sign * (sum.get(b) - sum.get(a)));
  }

  /**
   * A difference as a cell: coloured where it is significant, with all that is known of it on demand.
   * @param {?Object} pair
   * @param {{digits: number, greatest: number, lower: boolean, own?: boolean, interval?: boolean}} options
   *   `greatest` difference of the table, `lower` is better, a model beside itself, whether the interval is shown
   */
  Report.differenceCell = function differenceCell(pair, { digits, greatest, lower, own = false, interval = false }) {
    const { t, format } = Report;
    if (own || !pair) return h('td', { class: 'number empty' }, own ? '' : format.missing);
    const better = lower ? pair.difference < 0 : pair.difference > 0;
    const strength = Math.round((100 * Math.abs(pair.difference)) / greatest);
    const element = h(
      'td',
      {
        class: `number ${pair.significant ? `significant ${better ? 'better' : 'worse'}` : 'open'}`,
        vars: { strength: `${Math.round(14 + 0.4 * strength)}%` },
      },
      h('span', { class: 'value' }, format.signed(pair.difference, digits)),
      interval ? h('span', { class: 'under' }, format.interval(pair.ci_low, pair.ci_high, digits)) : null,
    );
    const { models } = Report.data.index;
    return Report.tip.explain(element, () => [
      h(
        'p',
        { class: 'tip-title' },
        Report.text.inline(models[pair.a].label),
        ' − ',
        Report.text.inline(models[pair.b].label),
      ),
      Report.tip.facts([
        [t('differences.difference'), format.signed(pair.difference, 2)],
        [t('cell.interval'), format.interval(pair.ci_low, pair.ci_high, 2)],
        ['p', format.probability(pair.p)],
        [t('differences.adjusted'), format.probability(pair.p_adjusted)],
        [t('differences.documents'), format.count(pair.n)],
        [
          t('differences.verdict'),
          pair.p_adjusted === null
            ? t('cell.unranked')
            : t(pair.significant ? 'differences.significant' : 'differences.open'),
        ],
      ]),
    ]);
  };

  Report.pages.differences = { render };
})(window.Report);
