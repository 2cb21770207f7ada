'use strict';

/** Scores by category: the metrics of a task that stand for categories of its questions or pictures. */
(function (Report) {
  const { h, fill } = Report;

  /** Metrics that stand for a whole task; every other one is a category's. */
  const WHOLE =
    /^(overall|judge_mean|model_mean|reference_mean|rouge_l_ja|accuracy|anls|bleu|cer|f1|coverage|chars|japanese_share|.*_failures|anchor_.*)$/;
  const KINDS = ['conv', 'detail', 'complex'];
  const MOST = 6;

  /** @returns {Array<{key: string, metrics: number[]}>} a task's categories: of its questions, and of its pictures */
  function sets(task) {
    const { metrics } = Report.data.index;
    const all = task.metrics.filter((place) => !WHOLE.test(metrics[place]) && place !== task.headline);
    const questions = all.filter((place) => KINDS.includes(metrics[place]));
    const pictures = all.filter((place) => !KINDS.includes(metrics[place]));
    return [
      { key: 'categories.questions', metrics: questions },
      { key: questions.length ? 'categories.pictures' : 'categories.any', metrics: pictures },
    ].filter((set) => set.metrics.length > 1);
  }

  async function render(root, route) {
    const { t } = Report;
    const { index, load, rows } = Report.data;
    const tasks = index.tasks.map((task, i) => ({ task, i })).filter(({ task }) => sets(task).length);
    if (!tasks.length) {
      fill(root, h('p', { class: 'nothing' }, t('categories.nothing')));
      return;
    }
    const chosenTask = tasks.find(({ task }) => task.name === route.parts[0]) ?? tasks[0];
    const cells = [...rows(index.cells), ...rows(await load('cells'))];
    let models = Report.chosenModels(route.params, MOST);
    const place = h('div', { class: 'panels' });
    const draw = () =>
      fill(
        place,
        sets(chosenTask.task).map((set) => panel(chosenTask, set, cells, models)),
      );
    fill(
      root,
      h(
        'div',
        { class: 'controls' },
        Report.choices.select(
          t('task'),
          tasks.map(({ task }) => [task.name, task.name]),
          chosenTask.task.name,
          (name) => Report.go(Report.router.link('categories', [name], route.params)),
        ),
        Report.choices.models(models, MOST, (chosen) => {
          models = chosen;
          Report.router.set({ models: chosen.join('.') });
          draw();
        }),
      ),
      place,
    );
    draw();
  }

  function panel({ task, i }, set, cells, models) {
    const { t } = Report;
    const { index } = Report.data;
    const own = cells.filter(
      (cell) => cell.task === i && set.metrics.includes(cell.metric) && models.includes(cell.model),
    );
    const unranked = new Set(own.filter((cell) => !cell.ranked).map((cell) => cell.model));
    const name = (place) => Report.cells.nameOf(place, i, !unranked.has(place));
    const values = own
      .filter((cell) => Report.format.known(cell.value))
      .map((cell) => ({
        model: name(cell.model),
        category: Report.format.metric(index.metrics[cell.metric]),
        value: cell.value,
        low: cell.ci_low,
        high: cell.ci_high,
        interval: Report.format.interval(cell.ci_low, cell.ci_high),
      }));
    const domain = [...models].sort((a, b) => unranked.has(a) - unranked.has(b)).map(name);
    const categories = set.metrics.map((metric) => Report.format.metric(index.metrics[metric]));
    const label = t('categories.chart', { task: task.name });
    return h(
      'section',
      null,
      h('h2', null, t(set.key)),
      h(
        'div',
        { class: 'side-by-side' },
        categories.length > 2 ? Report.charts.chart(Report.radar(values, domain, categories), { label }) : null,
        Report.charts.chart(bars(values, domain, categories), { label, class: 'wide' }),
      ),
    );
  }

  /** Bars by category, a colour for each model, the interval as a line. */
  function bars(values, domain, categories) {
    const { ink } = Report.charts.colours();
    const x = { field: 'category', type: 'nominal', sort: categories, title: null, axis: { labelAngle: 0 } };
    const offset = { field: 'model', sort: domain };
    const tooltip = [
      { field: 'model', title: Report.t('leaderboard.model') },
      { field: 'category', title: Report.t('categories.category') },
      { field: 'value', title: Report.t('cell.value'), format: '.2f' },
      { field: 'interval', title: Report.t('cell.interval') },
    ];
    return {
      width: Math.min(860, Math.max(320, categories.length * (domain.length * 16 + 34))),
      height: 260,
      data: { values },
      encoding: { x, xOffset: offset },
      layer: [
        {
          mark: { type: 'bar', cornerRadiusEnd: 1 },
          encoding: {
            y: { field: 'value', type: 'quantitative', title: null },
            color: {
              field: 'model',
              type: 'nominal',
              scale: { domain },
              legend: { title: null, orient: 'bottom', columns: 2 },
            },
            tooltip,
          },
        },
        {
          mark: { type: 'rule', color: ink, opacity: 0.7 },
          encoding: { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
        },
      ],
    };
  }

  /** The models of a view: those in its address, else the best ones of those in most tasks, and the baseline. */
  Report.chosenModels = function chosenModels(params, most) {
    const { index } = Report.data;
    const named = (params.get('models') ?? '').split('.').filter(Boolean).map(Number);
    const valid = named.filter((place) => index.models[place]);
    if (valid.length) return valid.slice(0, most);
    const ranked = Report.data
      .rows(index.overall)
      .sort((a, b) => b.tasks - a.tasks || a.mean_rank - b.mean_rank)
      .map((row) => row.model);
    const order = [...new Set([...ranked, ...index.models.keys()])].slice(0, most);
    if (index.baseline !== null && !order.includes(index.baseline)) order[order.length - 1] = index.baseline;
    return order;
  };

  Report.pages.categories = { render };
})(window.Report);
