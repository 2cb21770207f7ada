'use strict';

/** Strings of the interface, and numbers as text. */
(function (Report) {
  const grouped = new Intl.NumberFormat('en-US');

  /**
   * A string of the interface in the reader's language; `{name}` in it is replaced by what is given.
   * @param {string} key
   * @param {Object<string, *>} [values]
   * @returns {string}
   */
  function t(key, values = {}) {
    const entry = Report.strings[key];
    if (!entry) throw new Error(`no string ${key}`);
    return entry[Report.settings.language].replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
  }

  /** A sentence of the statistics in the reader's language, where there is a string for it; else as it stands. */
  function said(text) {
    const entry = Object.entries(Report.strings).find(([key, texts]) => key.startsWith('said.') && texts.en === text);
    return entry ? t(entry[0]) : text;
  }

  /** How a metric is called: by a string where there is one, else by its own name. */
  function metric(name) {
    const key = `metric.${name}`;
    return Report.strings[key] ? t(key) : Report.text.flat(name);
  }

  const missing = '–';
  const known = (value) => typeof value === 'number' && Number.isFinite(value);

  /** A score: one decimal, or two where all scores are small (judges from 1 to 10). */
  function score(value, digits = 1) {
    return known(value) ? value.toFixed(digits).replace('-', '−') : missing;
  }

  /** A difference, with its sign. */
  function signed(value, digits = 1) {
    if (!known(value)) return missing;
    return (value > 0 ? '+' : '') + score(value, digits);
  }

  function interval(low, high, digits = 1) {
    return known(low) && known(high) ? `${score(low, digits)} – ${score(high, digits)}` : '';
  }

  function ranks(cell) {
    if (!known(cell.rank)) return '';
    return known(cell.rank_low) && cell.rank_low !== cell.rank_high
      ? `${cell.rank_low}–${cell.rank_high}`
      : `${cell.rank}`;
  }

  function count(value) {
    return known(value) ? grouped.format(value) : missing;
  }

  function percent(value, digits = 0) {
    return known(value) ? `${(100 * value).toFixed(digits)} %` : missing;
  }

  /** A p-value: what lies below a thousandth is said to. */
  function probability(value) {
    if (!known(value)) return missing;
    return value < 0.001 ? '< 0.001' : value.toFixed(3);
  }

  function usd(value) {
    if (!known(value)) return missing;
    return value > 0 && value < 0.01 ? '< $0.01' : `$${value.toFixed(2)}`;
  }

  /** Seconds as minutes or hours where that reads better. */
  function duration(seconds) {
    if (!known(seconds)) return missing;
    if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
    if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`;
    return `${(seconds / 3600).toFixed(1)} h`;
  }

  /** Decimals for a set of scores: two where none reaches 10.5, one otherwise. */
  function digits(values) {
    return values.some((value) => known(value) && Math.abs(value) > 10.5) ? 1 : 2;
  }

  Report.t = t;
  Report.said = said;
  Report.format = {
    metric,
    score,
    signed,
    interval,
    ranks,
    count,
    percent,
    probability,
    usd,
    duration,
    digits,
    missing,
    known,
  };
})(window.Report);
