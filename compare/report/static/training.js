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
    const x = { field: 'step', type: 'quantitative', title: t('training.step'), axis: { tickCount: 8, grid: false } };
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

  /** A row per model, a column per task (and metric): the difference to the baseline, its interval below. */
  function table(deltas, route) {
    const { t } = Report;
    const { index } = Report.data;
    const metrics = route.params.get('metrics') ?? 'headline';
    const shown = deltas.filter((row) => metrics === 'all' || row.metric === index.tasks[row.task].headline);
    const found = new Map(shown.map((row) => [`${row.a}/${row.task}/${row.metric}`, row]));
    const models = [...new Set(shown.map((row) => row.a))];
    const keys = [...new Set(shown.map((row) => `${row.task}/${row.metric}`))];
    const change = (value) =>
      Report.go(Report.router.link('training', route.parts, value === 'all' ? { metrics: value } : {}));
    const options = [
      ['headline', t('leaderboard.headline')],
      ['all', t('leaderboard.all')],
    ];
    return [
      h('p', { class: 'hint' }, t('training.how')),
      h('div', { class: 'controls' }, Report.choices.switcher(t('leaderboard.columns'), options, metrics, change)),
      Report.table({
        caption: t('page.training'),
        rows: models,
        columns: [modelColumn(), ...keys.map((key) => deltaColumn(key, found, shown))],
      }),
    ];
  }

  function modelColumn() {
    const { models } = Report.data.index;
    return {
      key: 'model',
      label: Report.t('leaderboard.model'),
      order: (model) => models[model].label,
      cell: (model) => h('th', { scope: 'row', class: 'model' }, Report.text.inline(models[model].label)),
    };
  }

  function deltaColumn(key, found, shown) {
    const { index } = Report.data;
    const [task, metric] = key.split('/').map(Number);
    const own = shown.filter((row) => row.task === task && row.metric === metric);
    const options = {
      digits: Report.format.digits(own.map((row) => 4 * row.difference)),
      greatest: Math.max(...own.map((row) => Math.abs(row.difference)), 1e-9),
      lower: index.tasks[task].lower.includes(metric),
      interval: true,
    };
    return {
      key,
      label: [Report.text.inline(index.tasks[task].name), h('br'), Report.format.metric(index.metrics[metric])],
      class: 'number',
      descending: true,
      order: (model) => found.get(`${model}/${key}`)?.difference,
      cell: (model) => Report.differenceCell(found.get(`${model}/${key}`), options),
    };
  }

  Report.pages.training = { render };
})(window.Report);
