'use strict';

/** The frame of all pages: title, navigation, language and colour scheme; and the way from an address to a page. */
(function (Report) {
  const { h, fill } = Report;
  const PAGES = ['leaderboard', 'categories', 'differences', 'length', 'judges', 'benchmarks', 'training', 'samples'];
  let root = null;
  /** What the page gave back: `key` takes keys, `close` ends what still runs for it. */
  let page = {};
  let turn = 0;

  /** The pages that have something to show. */
  function available() {
    const { has } = Report.data.index;
    return PAGES.filter((name) => name !== 'training' || has.training);
  }

  function frame() {
    const { t, settings } = Report;
    const { index } = Report.data;
    document.title = `${Report.text.flat(index.title)} · lmms-eval-ja`;
    root = h('main', { id: 'main', tabindex: -1 });
    const set = (name) => (value) => {
      settings[name] = value;
      settings.apply();
      frame();
      show();
    };
    const links = available().map((name) =>
      h('a', { href: Report.router.link(name), 'data-page': name }, t(`page.${name}`)),
    );
    document.body.querySelector('.page')?.remove();
    document.body.prepend(
      h(
        'div',
        { class: 'page' },
        h('a', { class: 'skip', href: '#main', on: { click: skip } }, t('skip')),
        h(
          'header',
          { class: 'top' },
          h(
            'div',
            { class: 'title' },
            h('h1', null, Report.text.inline(index.title)),
            h('p', { class: 'hint' }, t('subtitle', { models: index.models.length, tasks: index.tasks.length })),
          ),
          h(
            'div',
            { class: 'settings' },
            Report.choices.switcher(
              t('language'),
              [
                ['en', 'English'],
                ['ja', '日本語'],
              ],
              settings.language,
              set('language'),
            ),
            Report.choices.switcher(
              t('theme'),
              [
                ['light', t('theme.light')],
                ['dark', t('theme.dark')],
              ],
              settings.theme,
              set('theme'),
            ),
          ),
        ),
        h('nav', { 'aria-label': t('navigation') }, links),
        root,
        h('footer', null, h('p', { class: 'hint' }, t('footer', { version: index.version ?? '' }))),
      ),
    );
  }

  function skip(event) {
    event.preventDefault();
    root.focus();
  }

  async function show() {
    const route = Report.router.current();
    const name = available().includes(route.page) ? route.page : 'leaderboard';
    const mine = (turn += 1);
    for (const link of document.querySelectorAll('nav a')) {
      if (link.dataset.page === name) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    Report.charts.clear();
    Report.tip.hide();
    page.close?.();
    page = {};
    const place = h('div', { class: `content page-${name}` });
    try {
      const given = (await Report.pages[name].render(place, route)) ?? {};
      if (mine !== turn) {
        given.close?.();
        return;
      }
      page = given;
    } catch (error) {
      fill(place, h('p', { class: 'problem' }, error.message));
    }
    if (mine !== turn) return;
    fill(root, place);
    root.dataset.page = name;
    root.dataset.ready = String(mine);
  }

  /** Goes to a view, as a link would. */
  Report.go = function go(hash) {
    if (window.location.hash === hash) show();
    else window.location.hash = hash;
  };

  /** Called last, when the index is there. */
  Report.start = function start() {
    if (!Report.data.index) {
      document.body.append(h('p', { class: 'problem' }, Report.t('error.file', { file: 'data/index.js' })));
      return;
    }
    frame();
    show();
    window.addEventListener('hashchange', show);
    document.addEventListener('keydown', (event) => page.key?.(event));
    Report.settings.onSystemTheme(() => {
      Report.settings.apply();
      frame();
      show();
    });
  };
})(window.Report);
