'use strict';

/** A table whose columns sort by a click or by the keyboard. */
(function (Report) {
  const { h, fill } = Report;

  /**
   * @typedef {Object} Column
   * @property {string} key
   * @property {*} label what the head shows
   * @property {(row: *) => *} cell the cell's content, or a `td` or `th` of its own
   * @property {(row: *) => (number|string|null|undefined)} [order] what to sort by; without it the column does not sort
   * @property {boolean} [descending] whether the first click puts the greatest first
   * @property {string} [class]
   * @property {() => *} [about] an explanation of the head
   */

  /**
   * @param {{columns: Column[], rows: Array<*>, caption: string, sort?: string, class?: string,
   *   onSort?: (sort: string) => void, groups?: Array<{label: *, span: number}>, rowClass?: (row: *) => string}} options
   *   `sort`: a column's key, with a minus in front for the greatest first
   * @returns {HTMLElement}
   */
  function table(options) {
    const body = h('tbody');
    const heads = new Map(options.columns.map((column) => [column.key, head(column)]));
    let sort = options.sort ?? '';

    function head(column) {
      const attributes = { scope: 'col', class: column.class };
      if (!column.order) return about(h('th', attributes, column.label), column);
      const click = () => {
        const first = column.descending ? `-${column.key}` : column.key;
        sort = sort === first ? (first.startsWith('-') ? column.key : `-${column.key}`) : first;
        options.onSort?.(sort);
        draw();
      };
      const button = h('button', { type: 'button', class: 'sort', on: { click } }, column.label);
      return h('th', attributes, about(button, column));
    }

    function about(element, column) {
      return column.about ? Report.tip.explain(element, column.about) : element;
    }

    function draw() {
      const key = sort.replace(/^-/, '');
      const column = options.columns.find((candidate) => candidate.key === key && candidate.order);
      for (const [name, element] of heads) {
        if (column && name === key)
          element.setAttribute('aria-sort', sort.startsWith('-') ? 'descending' : 'ascending');
        else element.removeAttribute('aria-sort');
      }
      const rows = column ? sorted(options.rows, column.order, sort.startsWith('-')) : options.rows;
      fill(
        body,
        rows.map((row) => line(row)),
      );
    }

    function line(row) {
      const cells = options.columns.map((column) => {
        const content = column.cell(row);
        if (content instanceof HTMLTableCellElement) return content;
        return h('td', { class: column.class }, content);
      });
      return h('tr', { class: options.rowClass?.(row) }, cells);
    }

    draw();
    const groups = options.groups
      ? h(
          'tr',
          { class: 'groups' },
          options.groups.map((group) =>
            h('th', { scope: 'colgroup', colspan: group.span, class: group.span > 1 ? 'many' : null }, group.label),
          ),
        )
      : null;
    return h(
      'div',
      { class: 'scroller', tabindex: 0, role: 'region', 'aria-label': options.caption },
      h(
        'table',
        { class: options.class },
        h('caption', { class: 'hidden' }, options.caption),
        h('thead', null, groups, h('tr', null, [...heads.values()])),
        body,
      ),
    );
  }

  /** Rows in order; what has no value comes last either way, and equal rows keep their places. */
  function sorted(rows, order, descending) {
    const missing = (value) => value === null || value === undefined || value === '' || Number.isNaN(value);
    const compare = (a, b) => (typeof a === 'string' ? a.localeCompare(b, 'ja', { numeric: true }) : a - b);
    return rows
      .map((row) => [order(row), row])
      .sort(([a], [b]) => {
        if (missing(a) || missing(b)) return missing(a) - missing(b);
        return descending ? compare(b, a) : compare(a, b);
      })
      .map(([, row]) => row);
  }

  Report.table = table;
  Report.sorted = sorted;
})(window.Report);
