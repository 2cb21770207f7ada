'use strict';

/** Length against score: over the models, and over the single answers; ROUGE-L against the judge by length. */
(function (Report) {
  const { h, fill } = Report;
  const MOST_POINTS = 3000;
  const ROUGE = 'rouge_l_ja';

  async function render(root, route) {
    const { t } = Report;
    const { index } = Report.data;
    const i = Math.max(
      0,
      index.tasks.findIndex((task) => task.name === route.parts[0]),
    );
    const task = index.tasks[i];
    const measure = task.measures.includes(route.params.get('by')) ? route.params.get('by') : task.measures[0];
    const go = (parts, params) => Report.go(Report.router.link('length', parts, params));
    const scores = measure === undefined ? null : await Report.scores.load(i);
    fill(
      root,
      h(
        'div',
        { class: 'controls' },
        Report.choices.select(
          t('task'),
          index.tasks.map((one) => [one.name, one.name]),
          task.name,
          (name) => go([name]),
        ),
        Report.choices.select(
          t('measure'),
          task.measures.map((name) => [name, Report.format.metric(name)]),
          measure ?? '',
          (name) => go([task.name], { by: name }),
        ),
      ),
      h('section', null, h('h2', null, t('length.models')), ofModels(task, i)),
      scores ? h('section', null, h('h2', null, t('length.each')), ofAnswers(scores, measure)) : null,
      scores
        ? h(
            'section',
            null,
            h('h2', null, t('length.rouge')),
            h('p', { class: 'hint' }, t('length.rouge_about')),
            await againstRouge(scores, i),
          )
        : null,
    );
  }

  function ofModels(task, i) {
    const { t, format } = Report;
    const { index, rows } = Report.data;
    const values = rows(index.cells)
      .filter((cell) => cell.task === i && format.known(cell.value) && task.chars[cell.model] > 0)
      .map((cell) => ({
        model: Report.cells.nameOf(cell.model, i, cell.ranked),
        chars: task.chars[cell.model],
        value: cell.value,
        low: cell.ci_low ?? cell.value,
        high: cell.ci_high ?? cell.value,
        interval: format.interval(cell.ci_low, cell.ci_high, 2),
      }));
    if (!values.length) return h('p', { class: 'nothing' }, t('length.nothing'));
    const title = format.metric(index.metrics[task.headline]);
    return Report.charts.chart(Report.lengthSpecs.ofModels(values, title), {
      label: t('length.models'),
      class: 'wide',
    });
  }

  /** All answers with a length and a score, shortest first. */
  function answers(scores, measure) {
    const found = [];
    for (let document = 0; document < scores.length; document += 1) {
      for (let model = 0; model < scores.models; model += 1) {
        const score = scores.score(measure, document, model);
        const chars = scores.chars(document, model);
        if (Report.format.known(score) && Report.format.known(chars)) found.push({ chars, score, document, model });
      }
    }
    return found.sort((a, b) => a.chars - b.chars);
  }

  /** Evenly spaced ones of many, so that a chart stays light; the same at every call. */
  function some(items) {
    if (items.length <= MOST_POINTS) return items;
    return Array.from({ length: MOST_POINTS }, (_, at) => items[Math.floor((at * items.length) / MOST_POINTS)]);
  }

  /** Equal parts of the answers by length. */
  function parts(items, count) {
    return Array.from({ length: count }, (_, at) =>
      items.slice(Math.floor((at * items.length) / count), Math.floor(((at + 1) * items.length) / count)),
    ).filter((part) => part.length);
  }

  function ofAnswers(scores, measure) {
    const { t, format } = Report;
    const all = answers(scores, measure);
    if (!all.length) return h('p', { class: 'nothing' }, t('length.nothing'));
    const mean = (part, name) => part.reduce((sum, item) => sum + item[name], 0) / part.length;
    const tenths = parts(all, 10).map((part) => ({
      chars: mean(part, 'chars'),
      score: mean(part, 'score'),
      n: part.length,
      range: `${part[0].chars}–${part[part.length - 1].chars}`,
    }));
    const points = some(all);
    const spec = Report.lengthSpecs.ofAnswers(points, tenths, format.metric(measure));
    return [
      Report.charts.chart(spec, { label: t('length.each'), renderer: 'canvas', class: 'wide' }),
      h(
        'p',
        { class: 'hint' },
        t('length.points', { count: format.count(points.length), all: format.count(all.length) }),
      ),
    ];
  }

  async function againstRouge(scores, i) {
    const { t, format } = Report;
    const { load, rows } = Report.data;
    const judges = scores.task.measures.filter((name) => scores.task.protocols.includes(name));
    if (!judges.length || !scores.task.measures.includes(ROUGE))
      return h('p', { class: 'nothing' }, t('length.no_rouge'));
    const table = rows((await load('benchmarks')).lengths).filter((row) => row.task === i);
    return judges.map((judge) => {
      const all = answers(scores, judge)
        .map((item) => ({ ...item, rouge: scores.score(ROUGE, item.document, item.model) }))
        .filter((item) => format.known(item.rouge));
      const own = table.filter((row) => row.protocol === judge);
      const cut = parts(all, 3);
      const charts = cut.map((part) => {
        const title = t('length.range', { low: part[0].chars, high: part[part.length - 1].chars });
        const spec = Report.lengthSpecs.againstRouge(some(part), title, format.metric(judge));
        return Report.charts.chart(spec, { label: `${t('length.rouge')}: ${title}`, renderer: 'canvas' });
      });
      return [h('div', { class: 'side-by-side' }, charts), own.length ? agreement(own, judge) : null];
    });
  }

  function agreement(rows, judge) {
    const { t, format } = Report;
    return Report.table({
      caption: t('length.agreement', { judge }),
      rows: [...rows].sort((a, b) => a.tercile - b.tercile),
      columns: [
        {
          key: 'third',
          label: t('length.third'),
          cell: (row) =>
            h(
              'th',
              { scope: 'row' },
              row.tercile === 0 ? t('length.all') : t('length.range', { low: row.chars_low, high: row.chars_high }),
            ),
        },
        { key: 'n', label: t('length.answers'), class: 'number', cell: (row) => format.count(row.n) },
        { key: 'spearman', label: t('length.spearman'), class: 'number', cell: (row) => format.score(row.spearman, 2) },
        { key: 'rouge', label: t('length.rouge_mean'), class: 'number', cell: (row) => format.score(row.rouge_l, 1) },
        {
          key: 'score',
          label: t('length.judge_mean', { judge: format.metric(judge) }),
          class: 'number',
          cell: (row) => format.score(row.score, 2),
        },
      ],
    });
  }

  Report.pages.length = { render };
})(window.Report);
