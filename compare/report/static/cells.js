'use strict';

/** A score as a table shows it: value, interval, rank, and how it is marked. */
(function (Report) {
  const { h } = Report;

  /** @returns {Map<string, Object>} cells by model, task and metric, `model/task/metric` as places */
  function byPlace(cells) {
    return new Map(cells.map((cell) => [`${cell.model}/${cell.task}/${cell.metric}`, cell]));
  }

  /** The marks that a model has for a task; those of a model as a whole have no task. */
  function marksOf(model, task) {
    const { models, tasks } = Report.data.index;
    return models[model].marks.filter(([, name]) => name === tasks[task].name);
  }

  const symbols = { contaminated: '†', incomplete: '‡', mixed: '§', in_domain: 'a', teacher_is_judge: 'b' };

  /** The signs of a model's marks for a task; a star for what is not ranked and has none. */
  function signsOf(model, task, ranked) {
    const signs = [...new Set(marksOf(model, task).map(([kind]) => symbols[kind] ?? '*'))].join('');
    return signs || (ranked ? '' : '*');
  }

  /** A model's name as a chart of a task shows it: with those signs. */
  function nameOf(model, task, ranked) {
    return `${Report.text.flat(Report.data.index.models[model].label)}${signsOf(model, task, ranked)}`;
  }

  /** Lowest and highest end of the intervals of a column, between which its bars are drawn. */
  function range(cells) {
    const { known } = Report.format;
    const ends = cells.flatMap((cell) => [cell.ci_low ?? cell.value, cell.ci_high ?? cell.value]).filter(known);
    return ends.length ? [Math.min(...ends), Math.max(...ends)] : [0, 1];
  }

  function bar(cell, [low, high]) {
    const width = high - low || 1;
    const at = (value) => `${((100 * (value - low)) / width).toFixed(2)}%`;
    const from = cell.ci_low ?? cell.value;
    const to = cell.ci_high ?? cell.value;
    return h('span', {
      class: 'bar',
      vars: { from: at(from), size: at(low + to - from), at: at(cell.value) },
      'aria-hidden': 'true',
    });
  }

  /**
   * @param {?Object} cell
   * @param {{range: [number, number], digits: number, under: string, marks: Array}} options
   * @returns {HTMLTableCellElement}
   */
  function show(cell, options) {
    const { format, t } = Report;
    if (!cell) return h('td', { class: 'score empty' }, format.missing);
    const has = format.known(cell.value);
    const signs = [...new Set(options.marks.map(([kind]) => symbols[kind] ?? '*'))].join('');
    const dashed = !cell.ranked;
    const under =
      options.under === 'rank' ? format.ranks(cell) : format.interval(cell.ci_low, cell.ci_high, options.digits);
    const element = h(
      'td',
      {
        class: `score ${dashed ? 'dashed' : ''} ${cell.best && cell.ranked ? 'best' : ''}`,
        tabindex: dashed ? 0 : null,
      },
      h(
        'span',
        { class: 'value' },
        has ? format.score(cell.value, options.digits) : format.missing,
        signs || dashed ? h('sup', null, signs || '*') : null,
      ),
      options.under === 'none' ? null : h('span', { class: 'under' }, under),
      has ? bar(cell, options.range) : null,
      dashed ? h('span', { class: 'hidden' }, t('cell.unranked')) : null,
    );
    return Report.tip.explain(element, () => about(cell, options));
  }

  function about(cell, options) {
    const { format, t } = Report;
    const { models, tasks, metrics, reasons } = Report.data.index;
    const reason = cell.why_not_ranked === null ? null : Report.text.inline(Report.said(reasons[cell.why_not_ranked]));
    return [
      h(
        'p',
        { class: 'tip-title' },
        Report.text.inline(models[cell.model].label),
        ' · ',
        Report.text.inline(tasks[cell.task].name),
        ' · ',
        format.metric(metrics[cell.metric]),
      ),
      Report.tip.facts([
        [t('cell.value'), format.score(cell.value, Math.max(2, options.digits))],
        [t('cell.interval'), format.interval(cell.ci_low, cell.ci_high, 2)],
        [t('cell.rank'), cell.ranked ? format.ranks(cell) : t('cell.unranked')],
        [t('cell.best'), cell.ranked && cell.best ? t('cell.best_yes') : ''],
        [t('cell.scored'), `${format.count(cell.scored)} / ${format.count(cell.n)}`],
        [t('cell.run_sd'), format.known(cell.run_sd) ? format.score(cell.run_sd, 2) : ''],
        [t('cell.reason'), reason],
      ]),
      options.marks.map(([kind, , text]) =>
        h('p', null, h('sup', null, symbols[kind] ?? '*'), ' ', Report.text.inline(Report.said(text))),
      ),
    ];
  }

  Report.cells = { byPlace, marksOf, nameOf, range, show, signsOf, symbols };
})(window.Report);
