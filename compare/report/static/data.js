'use strict';

/**
 * The data lie beside the page in script files, because a page from disk may not fetch. Each calls
 * `Report.receive(name, value)`; it is injected when somebody asks for it.
 */
(function (Report) {
  /** How many chunks of answers are kept; more are loaded again when needed. */
  const KEPT = 48;

  const received = new Map();
  const waiting = new Map();

  /** Called by every data file. */
  Report.receive = function receive(name, value) {
    received.set(name, value);
  };

  /** @param {string} name the file's path below data/, without .js @returns {Promise<*>} */
  function load(name) {
    if (received.has(name)) {
      const value = received.get(name);
      received.delete(name);
      received.set(name, value);
      return Promise.resolve(value);
    }
    if (!waiting.has(name)) {
      waiting.set(
        name,
        inject(name).finally(() => waiting.delete(name)),
      );
    }
    return waiting.get(name);
  }

  function inject(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = `data/${name}.js`;
      script.onload = () => {
        script.remove();
        forget();
        if (received.has(name)) resolve(received.get(name));
        else reject(new Error(Report.t('error.file', { file: `data/${name}.js` })));
      };
      script.onerror = () => {
        script.remove();
        reject(new Error(Report.t('error.file', { file: `data/${name}.js` })));
      };
      document.head.append(script);
    });
  }

  /** Lets go of the chunks that were used longest ago. */
  function forget() {
    const chunks = [...received.keys()].filter((name) => name.startsWith('answers/'));
    for (const name of chunks.slice(0, Math.max(0, chunks.length - KEPT))) received.delete(name);
  }

  /**
   * Rows of a table that is written by columns.
   * @param {Object<string, Array<*>>} columns
   * @returns {Array<Object<string, *>>}
   */
  function rows(columns) {
    const names = Object.keys(columns);
    const length = names.length ? columns[names[0]].length : 0;
    return Array.from({ length }, (_, row) => Object.fromEntries(names.map((name) => [name, columns[name][row]])));
  }

  /** A library that comes beside the page: run once, when the first chart is drawn. */
  function library(path) {
    if (!waiting.has(path)) {
      waiting.set(
        path,
        new Promise((resolve, reject) => {
          const script = document.createElement('script');
          script.src = path;
          script.onload = () => resolve();
          script.onerror = () => reject(new Error(Report.t('error.file', { file: path })));
          document.head.append(script);
        }),
      );
    }
    return waiting.get(path);
  }

  Report.data = {
    load,
    rows,
    library,
    get index() {
      return received.get('index');
    },
  };
})(window.Report);
