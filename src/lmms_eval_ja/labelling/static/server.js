'use strict';

/** Strings of the interface, and what is asked of the server. */
(function (Report) {
  /**
   * @param {string} key
   * @param {Object<string, *>} [values] in place of {name}
   * @returns {string}
   */
  function t(key, values = {}) {
    const text = Report.strings[key][Report.settings.language];
    return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
  }

  /** @param {string} path @param {RequestInit} [options] @returns {Promise<*>} the server's JSON, or its complaint */
  async function ask(path, options = {}) {
    let response;
    try {
      response = await fetch(path, { credentials: 'omit', ...options });
    } catch {
      throw new Error(t('gone'));
    }
    const content = await response.json();
    if (!response.ok) throw new Error(content.error);
    return content;
  }

  /** @param {string} path @param {Object<string, string>} query */
  function get(path, query) {
    return ask(`api/${path}?${new URLSearchParams(query)}`);
  }

  /** @param {string} path @param {Object<string, *>} said */
  function post(path, said) {
    const headers = { 'Content-Type': 'application/json' };
    return ask(`api/${path}`, { method: 'POST', headers, body: JSON.stringify(said) });
  }

  Report.t = t;
  Report.format = { count: (number) => number.toLocaleString(Report.settings.language) };
  Report.server = { get, post };
})(window.Report);
