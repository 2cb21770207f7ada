'use strict';

/** What is shown is in the address: `#/page/part/part?name=value`. So every view can be linked to, and reproduced. */
(function (Report) {
  /**
   * @typedef {{page: string, parts: string[], params: URLSearchParams}} Route
   * @returns {Route}
   */
  function current() {
    const [path, query = ''] = window.location.hash.replace(/^#\/?/, '').split(/\?(.*)/s);
    const parts = path.split('/').filter(Boolean).map(decode);
    return { page: parts[0] ?? 'leaderboard', parts: parts.slice(1), params: new URLSearchParams(query) };
  }

  function decode(part) {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  }

  /** @param {string} page @param {Array<string|number>} [parts] @param {Object<string, *>|URLSearchParams} [params] */
  function link(page, parts = [], params = {}) {
    const query = params instanceof URLSearchParams ? params : new URLSearchParams();
    if (!(params instanceof URLSearchParams)) {
      for (const [name, value] of Object.entries(params)) {
        if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
      }
    }
    const path = [page, ...parts].map((part) => encodeURIComponent(String(part))).join('/');
    return `#/${path}${query.size ? `?${query}` : ''}`;
  }

  /** Changes the address in place, as a filter does: no step back for every letter typed. */
  function replace(hash) {
    try {
      window.history.replaceState(null, '', hash);
    } catch {
      window.location.replace(hash);
    }
  }

  /** Sets parameters of the present view; empty ones are taken out. */
  function set(changes) {
    const { page, parts, params } = current();
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === undefined || value === '') params.delete(name);
      else params.set(name, String(value));
    }
    replace(link(page, parts, params));
  }

  Report.router = { current, link, replace, set };
})(window.Report);
