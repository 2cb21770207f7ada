'use strict';

/** Figures that others have published: a block of its own, with what is known of how they came about. */
(function (Report) {
  const { h } = Report;

  Report.published = function published({ sources, rows }) {
    const { t } = Report;
    if (!rows.length) return null;
    return h(
      'section',
      { class: 'published' },
      h('h2', null, t('published.title')),
      h('p', { class: 'warning' }, t('published.warning')),
      sources.map((source, i) =>
        block(
          source,
          rows.filter((row) => row.source === i),
          i === 0,
        ),
      ),
    );
  };

  function block(source, rows, first) {
    const { t, format } = Report;
    const columns = [...new Set(rows.map((row) => `${row.task}\n${row.metric}`))];
    const models = [...new Set(rows.map((row) => row.model))];
    const found = new Map(rows.map((row) => [`${row.model}\n${row.task}\n${row.metric}`, row]));
    const digits = (column) =>
      format.digits(rows.filter((row) => `${row.task}\n${row.metric}` === column).map((row) => row.value));
    return h(
      'details',
      { class: 'source', open: first },
      h('summary', null, Report.text.inline(source.name)),
      h(
        'dl',
        { class: 'facts' },
        source.facts.map(([name, value]) => [h('dt', null, fact(name)), h('dd', null, Report.text.inline(value))]),
      ),
      Report.table({
        caption: source.name,
        class: 'published',
        rows: models,
        columns: [
          {
            key: 'model',
            label: t('leaderboard.model'),
            order: (model) => model,
            cell: (model) => h('th', { scope: 'row', class: 'model' }, Report.text.inline(model)),
          },
          ...columns.map((column) => ({
            key: column,
            label: [Report.text.inline(column.split('\n')[0]), h('br'), format.metric(column.split('\n')[1])],
            class: 'number',
            descending: true,
            order: (model) => found.get(`${model}\n${column}`)?.value,
            cell: (model) => figure(found.get(`${model}\n${column}`), digits(column)),
          })),
        ],
      }),
    );
  }

  /** What a source's fact is called, where there is a string for it. */
  function fact(name) {
    const key = `source.${name}`;
    return Report.strings[key] ? Report.t(key) : name.replaceAll('_', ' ');
  }

  function figure(row, digits) {
    const { format } = Report;
    if (!row) return h('td', { class: 'number empty' }, '');
    const dashed = row.value === null;
    const element = h(
      'td',
      { class: `number ${dashed ? 'dashed' : ''}`, tabindex: row.note ? 0 : null },
      format.score(row.value, digits),
      row.note ? h('sup', null, '*') : null,
    );
    return row.note ? Report.tip.explain(element, () => Report.text.inline(row.note)) : element;
  }
})(window.Report);
