'use strict';

/**
 * The report's one global, and the reader's settings: language and colour scheme. They are kept in the browser where it
 * lets a page from disk keep something; otherwise they last as long as the page.
 */
window.Report = { pages: {} };

(function (Report) {
  const kept = new Map();

  /** @param {string} name @returns {?string} */
  function read(name) {
    try {
      return window.localStorage.getItem(`lmms-eval-ja.${name}`) ?? kept.get(name) ?? null;
    } catch {
      return kept.get(name) ?? null;
    }
  }

  /** @param {string} name @param {string} value */
  function write(name, value) {
    kept.set(name, value);
    try {
      window.localStorage.setItem(`lmms-eval-ja.${name}`, value);
    } catch {
      // The browser keeps nothing for pages from disk: the map above does.
    }
  }

  const dark = window.matchMedia('(prefers-color-scheme: dark)');

  const settings = {
    /** @returns {'en'|'ja'} */
    get language() {
      const chosen = read('language');
      if (chosen === 'en' || chosen === 'ja') return chosen;
      return (navigator.language || 'en').toLowerCase().startsWith('ja') ? 'ja' : 'en';
    },
    set language(value) {
      write('language', value);
    },
    /** @returns {'light'|'dark'} */
    get theme() {
      const chosen = read('theme');
      if (chosen === 'light' || chosen === 'dark') return chosen;
      return dark.matches ? 'dark' : 'light';
    },
    set theme(value) {
      write('theme', value);
    },
    /** Puts language and scheme on the root element, where the style sheets look. */
    apply() {
      document.documentElement.lang = settings.language;
      document.documentElement.dataset.theme = settings.theme;
    },
    /** @param {() => void} listener called when the system's scheme changes */
    onSystemTheme(listener) {
      dark.addEventListener('change', listener);
    },
  };

  settings.apply();
  Report.settings = settings;
})(window.Report);
