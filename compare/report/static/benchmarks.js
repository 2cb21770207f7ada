'use strict';

/** The report card of the benchmarks: how well each tells models apart, and how the tasks agree. */
(function (Report) {
  const { h, fill } = Report;

  async function render(root) {
    const { t } = Report;
    const { load, rows } = Report.data;
    const content = await load('benchmarks');
    const cards = rows(content.cards);
    fill(
      root,
      cards.length
        ? h('section', null, h('h2', null, t('benchmarks.cards')), table(cards))
        : h('p', { class: 'nothing' }, t('benchmarks.nothing')),
      content.correlations.length
        ? h(
            'section',
            null,
            h('h2', null, t('benchmarks.correlations')),
            h('p', { class: 'hint' }, t('benchmarks.correlations_about')),
            correlations(content.correlations),
          )
        : null,
    );
  }

  function table(cards) {
    const { t, format } = Report;
    const { index } = Report.data;
    const task = (card) => index.tasks[card.task];
    return Report.table({
      caption: t('benchmarks.cards'),
      rows: cards,
      columns: [
        {
          key: 'task',
          label: t('task'),
          order: (card) => task(card).name,
          cell: (card) => h('th', { scope: 'row' }, Report.text.inline(task(card).name)),
        },
        { key: 'metric', label: t('metric'), cell: (card) => format.metric(index.metrics[card.metric]) },
        {
          key: 'separated',
          label: t('benchmarks.separated'),
          class: 'number',
          descending: true,
          about: () => t('benchmarks.separated_about'),
          order: (card) => card.separated_share,
          cell: (card) =>
            h(
              'td',
              { class: 'number' },
              h('span', { class: 'value' }, format.percent(card.separated_share)),
              h('span', { class: 'under' }, t('benchmarks.pairs', { count: card.pairs })),
            ),
        },
        {
          key: 'reliability',
          label: t('benchmarks.reliability'),
          class: 'number',
          descending: true,
          about: () => t('benchmarks.reliability_about'),
          order: (card) => card.split_half_reliability,
          cell: (card) => format.score(card.split_half_reliability, 2),
        },
        {
          key: 'items',
          label: t('benchmarks.items'),
          class: 'number',
          descending: true,
          order: (card) => card.items,
          cell: (card) => format.count(card.items),
        },
        {
          key: 'dead',
          label: t('benchmarks.dead'),
          class: 'items',
          descending: true,
          about: () => t('benchmarks.dead_about'),
          order: (card) => card.dead_items.length,
          cell: (card) => items(task(card), card.dead_items),
        },
        {
          key: 'ceiling',
          label: t('benchmarks.ceiling'),
          class: 'items',
          descending: true,
          about: () => t('benchmarks.ceiling_about'),
          order: (card) => card.ceiling_items.length,
          cell: (card) => items(task(card), card.ceiling_items),
        },
      ],
    });
  }

  /** How many documents, folded away with a link to each. */
  function items(task, documents) {
    if (!documents.length) return h('span', { class: 'quiet' }, '0');
    const links = documents
      .slice(0, 200)
      .map((doc_id) => [h('a', { href: Report.router.link('samples', [task.name, doc_id]) }, doc_id), ' ']);
    return h(
      'details',
      null,
      h('summary', null, documents.length),
      h('div', { class: 'links' }, links, documents.length > 200 ? '…' : null),
    );
  }

  function correlations(pairs) {
    const { t, format } = Report;
    const { index } = Report.data;
    const found = new Map(
      pairs.flatMap((pair) => [
        [`${pair.a}/${pair.b}`, pair],
        [`${pair.b}/${pair.a}`, pair],
      ]),
    );
    const places = [...new Set(pairs.flatMap((pair) => [pair.a, pair.b]))].sort((a, b) => a - b);
    const numbered = places.length > 6;
    const head = places.map((place, at) =>
      Report.tip.explain(
        h('th', { scope: 'col', class: 'number' }, numbered ? at + 1 : Report.text.inline(index.tasks[place].name)),
        () => Report.text.inline(index.tasks[place].name),
      ),
    );
    const cell = (row, column) => {
      const pair = found.get(`${row}/${column}`);
      if (!pair) return h('td', { class: 'number empty' }, row === column ? '1' : format.missing);
      const strength = Math.round(Math.abs(pair.spearman ?? 0) * 45);
      const element = h(
        'td',
        {
          class: `number ${pair.spearman === null ? 'empty' : pair.spearman < 0 ? 'significant worse' : 'significant better'}`,
          vars: { strength: `${strength}%` },
        },
        h('span', { class: 'value' }, format.score(pair.spearman, 2)),
        numbered ? null : h('span', { class: 'under' }, format.interval(pair.low, pair.high, 2)),
      );
      return Report.tip.explain(element, () =>
        Report.tip.facts([
          [t('benchmarks.spearman'), format.score(pair.spearman, 2)],
          [t('cell.interval'), format.interval(pair.low, pair.high, 2)],
          [t('judges.models'), String(pair.models)],
        ]),
      );
    };
    const lines = places.map((row, at) =>
      h(
        'tr',
        null,
        h(
          'th',
          { scope: 'row' },
          numbered ? h('span', { class: 'place' }, at + 1) : null,
          ' ',
          Report.text.inline(index.tasks[row].name),
        ),
        places.map((column) => cell(row, column)),
      ),
    );
    return h(
      'div',
      { class: 'scroller', tabindex: 0, role: 'region', 'aria-label': t('benchmarks.correlations') },
      h(
        'table',
        { class: 'matrix' },
        h('caption', { class: 'hidden' }, t('benchmarks.correlations')),
        h('thead', null, h('tr', null, h('td'), head)),
        h('tbody', null, lines),
      ),
    );
  }

  Report.pages.benchmarks = { render };
})(window.Report);
