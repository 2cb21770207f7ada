'use strict';

/** A radar: an axis per category from 0 to a common end, a line per model. Places are computed here, Vega draws them. */
(function (Report) {
  const RADIUS = 130;

  /**
   * @param {Array<{model: string, category: string, value: number}>} values
   * @param {string[]} domain the models in order
   * @param {string[]} categories the axes, clockwise from the top
   * @returns {Object} of Vega-Lite
   */
  Report.radar = function radar(values, domain, categories) {
    const end = niceEnd(Math.max(...values.map((value) => value.value), 0));
    const place = (category, share) => {
      const angle = (2 * Math.PI * categories.indexOf(category)) / categories.length;
      return { x: share * Math.sin(angle), y: share * Math.cos(angle) };
    };
    const closed = (order) => [...order, order[0]];
    const rings = [0.25, 0.5, 0.75, 1].flatMap((share) =>
      closed(categories).map((category, order) => ({ ring: share, order, ...place(category, share) })),
    );
    const labels = categories.map((category) => ({ category, ...place(category, 1.16) }));
    const lines = domain.flatMap((model) => {
      const own = new Map(values.filter((value) => value.model === model).map((value) => [value.category, value]));
      const known = categories.filter((category) => own.has(category));
      // A line over some of the axes only would look like low scores on the others.
      if (known.length < categories.length) return [];
      return closed(known).map((category, order) => ({
        ...own.get(category),
        order,
        ...place(category, own.get(category).value / end),
      }));
    });
    const scale = { domain: [-1.35, 1.35] };
    const x = { field: 'x', type: 'quantitative', axis: null, scale };
    const y = { field: 'y', type: 'quantitative', axis: null, scale };
    const { line, muted } = Report.charts.colours();
    const text = { type: 'text', fontSize: 11, color: muted };
    return {
      width: 2.7 * RADIUS,
      height: 2.7 * RADIUS,
      layer: [
        {
          data: { values: rings },
          mark: { type: 'line', color: line, strokeWidth: 1 },
          encoding: { x, y, order: { field: 'order' }, detail: { field: 'ring' } },
        },
        { data: { values: labels }, mark: text, encoding: { x, y, text: { field: 'category' } } },
        {
          data: { values: [{ x: 0, y: 1.03, text: String(end) }] },
          mark: { ...text, fontSize: 9, dx: 10 },
          encoding: { x, y, text: { field: 'text' } },
        },
        {
          data: { values: lines },
          mark: { type: 'line', strokeWidth: 2, point: { size: 30 } },
          encoding: {
            x,
            y,
            order: { field: 'order' },
            color: { field: 'model', type: 'nominal', scale: { domain }, legend: null },
            tooltip: [
              { field: 'model', title: Report.t('leaderboard.model') },
              { field: 'category', title: Report.t('categories.category') },
              { field: 'value', title: Report.t('cell.value'), format: '.2f' },
              { field: 'interval', title: Report.t('cell.interval') },
            ],
          },
        },
      ],
    };
  };

  /** The next of 1, 2, 2.5 and 5 times a power of ten; 100 where a score is beyond 50 and below 100. */
  function niceEnd(value) {
    if (!(value > 0)) return 1;
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 2.5, 5, 10].map((step) => step * power).find((candidate) => candidate >= value);
  }
})(window.Report);
