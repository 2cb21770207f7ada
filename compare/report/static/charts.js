'use strict';

/**
 * Charts by Vega, which is loaded with the first of them. Vega's own interpreter evaluates its expressions (`ast`), so
 * that the page's policy may forbid evaluated code; its explanations go through the page's own small window.
 */
(function (Report) {
  const { h, fill } = Report;
  const drawn = new Set();
  const names = ['ink', 'muted', 'line', 'surface', 'accent', 'good', 'bad'];

  /** Ten colours that differ for people with colour-vision deficiencies, in both schemes (after Okabe and Ito). */
  const PALETTE = {
    light: [
      '#0072b2',
      '#d55e00',
      '#009e73',
      '#a8508a',
      '#8a6d00',
      '#3d8fc4',
      '#6b5bb0',
      '#5f6570',
      '#b0443c',
      '#2f6f4f',
    ],
    dark: [
      '#56b4e9',
      '#f0924c',
      '#3fc79a',
      '#e0a0c8',
      '#e8cf4a',
      '#8fc7ef',
      '#b3a6f0',
      '#b8bec8',
      '#f08a80',
      '#8fd0a8',
    ],
  };

  /** @returns {Object<string, string>} the colours of the present scheme */
  function colours() {
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  function palette() {
    return PALETTE[Report.settings.theme];
  }

  function config() {
    const { ink, muted, line } = colours();
    const font = getComputedStyle(document.body).fontFamily;
    return {
      background: null,
      font,
      axis: {
        labelColor: muted,
        titleColor: muted,
        gridColor: line,
        domainColor: line,
        tickColor: line,
        labelFontSize: 11,
        titleFontSize: 11,
        titleFontWeight: 'normal',
        labelLimit: 220,
        titlePadding: 8,
      },
      legend: {
        labelColor: ink,
        titleColor: muted,
        labelFontSize: 12,
        titleFontSize: 11,
        titleFontWeight: 'normal',
        labelLimit: 260,
      },
      text: { color: ink, fontSize: 11 },
      title: { color: ink, fontSize: 12, fontWeight: 'normal', anchor: 'start' },
      header: { labelColor: ink, titleColor: muted },
      range: { category: palette() },
      view: { stroke: null },
    };
  }

  /**
   * @param {Object} spec of Vega-Lite; its data are in it
   * @param {{label: string, renderer?: 'svg'|'canvas', class?: string}} options `label` says what is seen
   * @returns {HTMLElement} filled when Vega is there
   */
  function chart(spec, options) {
    const holder = h('div', { class: `chart ${options.class ?? ''}`, role: 'img', 'aria-label': options.label });
    const entry = { holder, view: null };
    drawn.add(entry);
    Report.data
      .library('app/vega.js')
      .then(() => whenShown(holder))
      .then(() =>
        window.ReportVega.embed(
          holder,
          { ...spec, config: { ...config(), ...spec.config } },
          {
            ast: true,
            actions: false,
            defaultStyle: false,
            renderer: options.renderer ?? 'svg',
            tooltip: explain,
          },
        ),
      )
      .then((result) => {
        entry.view = result;
        if (!drawn.has(entry)) result.finalize();
        holder.dataset.drawn = 'true';
      })
      .catch((error) => fill(holder, h('p', { class: 'problem' }, String(error.message))));
    return holder;
  }

  /** Vega measures the holder's width, which has none before it is in the page. */
  function whenShown(holder) {
    return new Promise((resolve) => {
      const look = () => (holder.isConnected ? resolve() : requestAnimationFrame(look));
      look();
    });
  }

  function explain(handler, event, item, value) {
    if (!value || typeof value !== 'object') {
      Report.tip.hide();
      return;
    }
    const anchor = { getBoundingClientRect: () => new DOMRect(event.clientX, event.clientY, 0, 12) };
    Report.tip.show(anchor, Report.tip.facts(Object.entries(value).map(([name, text]) => [name, String(text)])));
  }

  /** Ends all charts, before another page is shown. */
  function clear() {
    for (const entry of drawn) entry.view?.finalize();
    drawn.clear();
  }

  Report.charts = { chart, clear, colours, palette };
})(window.Report);
