'use strict';

/** Rating: one item after the other, by the keyboard; each rating is on the server's disk before the next is shown. */
(function (Report) {
  const { h, t, view, server } = Report;
  const main = h('main', { tabindex: -1 });
  const top = h('header', { class: 'bar' });
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const state = { rater: '', target: '', title: '', items: [], place: 0, item: null, since: 0, busy: false, saving: null };

  const address = new URLSearchParams(window.location.search);
  const spoken = address.get('lang');
  if (spoken === 'en' || spoken === 'ja') Report.settings.language = spoken;
  Report.settings.apply();

  function keep(rater) {
    address.set('rater', rater);
    window.history.replaceState(null, '', `?${address}`);
    try {
      window.localStorage.setItem('lmms-eval-ja.rater', rater);
    } catch {
      // The address keeps it.
    }
  }

  function kept() {
    try {
      return address.get('rater') ?? window.localStorage.getItem('lmms-eval-ja.rater') ?? '';
    } catch {
      return address.get('rater') ?? '';
    }
  }

  function complain(text) {
    problem.textContent = text;
    problem.hidden = text === '';
  }

  /** Runs one thing at a time: what is pressed before its end is not meant for what comes next. */
  async function once(work) {
    if (state.busy) return;
    state.busy = true;
    try {
      complain('');
      await state.saving;
      await work();
    } catch (error) {
      complain(t('failed', { why: error.message }));
    } finally {
      state.busy = false;
    }
  }

  /** The next item that is not rated, from a place on and round; those that were passed over come last. */
  function unrated(from) {
    const places = state.items.map((_, step) => (from + step) % state.items.length);
    for (const wanted of ['open', 'passed']) {
      const found = places.find((place) => state.items[place].state === wanted);
      if (found !== undefined) return found;
    }
    return state.items.length;
  }

  async function show(place) {
    if (place < state.items.length) {
      state.item = await server.get('item', { rater: state.rater, id: state.items[place].id });
    } else {
      state.item = null;
    }
    state.place = place;
    draw();
    state.since = performance.now();
  }

  /** Sends what changes of an item, and no more: what was said of it on another page stays. */
  async function send(change) {
    const written = document.getElementById('comment');
    const said = { rater: state.rater, id: state.item.id, ...change };
    if (written && written.value !== state.item.comment) said.comment = written.value;
    const { entry, ...progress } = await server.post('rate', said);
    Object.assign(state.items[state.place], progress);
    Object.assign(state.item, entry);
  }

  const rate = (value) =>
    once(async () => {
      if (!state.item) return;
      await send({ value, seconds: (performance.now() - state.since) / 1000 });
      await show(unrated(state.place + 1));
    });

  const toggle = (name) =>
    once(async () => {
      if (!state.item) return;
      await send({ [name]: !state.item[name] });
      draw();
    });

  const pass = () =>
    once(async () => {
      if (!state.item) return;
      await send({});
      const after = unrated(state.place + 1);
      await show(after === state.place ? state.items.length : after);
    });

  /** Keeps a comment that was written; also when the rater goes elsewhere. */
  async function comment() {
    const written = document.getElementById('comment');
    if (state.item && written && written.value !== state.item.comment) await send({});
  }

  const go = (step) =>
    once(async () => {
      await comment();
      const place = state.place + step;
      if (place > state.items.length) await show(unrated(0));
      else if (place >= 0) await show(place);
    });

  const undo = () =>
    once(async () => {
      const undone = await server.post('undo', { rater: state.rater });
      const place = state.items.findIndex((one) => one.id === undone.id);
      if (undone.id === null || place < 0) {
        complain(t('nothing.undo'));
        return;
      }
      Object.assign(state.items[place], undone);
      await show(place);
    });

  async function begin(rater) {
    const found = await server.get('overview', { rater });
    Object.assign(state, found);
    keep(found.rater);
    await show(unrated(0));
  }

  /** Asks who rates; until that is said there is nothing that keys act on. */
  function ask() {
    Object.assign(state, { items: [], item: null });
    const name = h('input', { id: 'rater', type: 'text', autocomplete: 'off', value: state.rater });
    const form = h(
      'form',
      { class: 'who' },
      h('label', { for: 'rater' }, h('h1', null, t('who'))),
      h('p', { class: 'quiet' }, t('who.hint')),
      h('div', { class: 'row' }, name, h('button', { type: 'submit', class: 'action' }, t('start'))),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      once(() => begin(name.value));
    });
    Report.fill(top, h('span', { class: 'grow' }), language());
    Report.fill(main, form);
    main.dataset.ready = 'who';
    name.focus();
  }

  function language() {
    const other = Report.settings.language === 'ja' ? 'en' : 'ja';
    const change = async () => {
      Report.settings.language = other;
      address.set('lang', other);
      window.history.replaceState(null, '', `?${address}`);
      Report.settings.apply();
      if (state.items.length === 0) ask();
      else await once(comment).then(draw);
    };
    return h('button', { type: 'button', class: 'link', lang: other, on: { click: change } }, t('language'));
  }

  function drawTop() {
    const change = () =>
      once(async () => {
        await comment();
        ask();
      });
    const total = state.items.length;
    const done = state.items.filter((one) => one.state === 'done').length;
    const bar = h('div', { class: 'progress', role: 'progressbar', 'aria-valuenow': done, 'aria-valuemax': total });
    bar.append(h('i', { vars: { share: total ? done / total : 0 } }));
    Report.fill(
      top,
      h('strong', { class: 'title' }, Report.text.inline(state.title)),
      bar,
      h('span', { id: 'progress' }, t('progress', { done, total })),
      h('span', { class: 'grow' }),
      h('span', { class: 'quiet' }, `${t('rater')}: `, Report.text.inline(state.rater)),
      h('button', { type: 'button', class: 'link', on: { click: change } }, t('rater.change')),
      language(),
    );
  }

  function draw() {
    drawTop();
    const steps = h(
      'div',
      { class: 'row steps' },
      view.action(t('previous'), '←', () => go(-1)),
      view.action(t('next'), '→', () => go(1)),
      state.item && view.action(t('pass'), 's', pass),
      view.action(t('undo'), 'u', undo),
    );
    if (!state.item) {
      const total = state.items.length;
      const left = state.items.filter((one) => one.state !== 'done').length;
      const text = left > 0 ? t('finished.left', { left }) : t('finished', { total });
      Report.fill(main, h('div', { class: 'who' }, h('h1', null, text), h('p', { class: 'quiet' }, t('finished.hint')), steps));
      main.dataset.ready = 'finished';
      return;
    }
    const { item } = state;
    const note = h('textarea', { id: 'comment', placeholder: t('comment.hint'), autocomplete: 'off', dir: 'auto' });
    note.value = item.comment;
    // What is clicked next waits for it.
    note.addEventListener('blur', () => {
      state.saving = comment().catch((error) => complain(t('failed', { why: error.message })));
    });
    const marks = h(
      'div',
      { class: 'row' },
      state.target === 'references' &&
        view.action(t('cultural_error'), 'e', () => toggle('cultural_error'), {
          'aria-pressed': String(item.cultural_error),
          id: 'cultural_error',
        }),
      view.action(t('flag'), 'f', () => toggle('flag'), { 'aria-pressed': String(item.flag), id: 'flag' }),
    );
    const rating = h(
      'div',
      { class: 'rating' },
      h('p', { class: 'quiet place' }, t('place', { place: state.place + 1, total: state.items.length })),
      view.rated(item),
      item.rubric && view.rubric(item.rubric),
      h('div', { class: 'panel' }, view.choices(item, rate), marks, h('label', { for: 'comment' }, t('comment')), note, steps),
    );
    Report.fill(main, h('div', { class: item.texts.length > 1 ? 'desk two' : 'desk' }, view.asked(item), rating));
    main.dataset.ready = item.id;
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }

  const KEYS = {
    u: undo,
    Backspace: undo,
    s: pass,
    ArrowLeft: () => go(-1),
    p: () => go(-1),
    ArrowRight: () => go(1),
    n: () => go(1),
    f: () => toggle('flag'),
    e: () => state.target === 'references' && toggle('cultural_error'),
    c: () => document.getElementById('comment')?.focus(),
  };

  document.addEventListener('keydown', (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || state.items.length === 0) return;
    if (event.target instanceof Element && event.target.matches('input, textarea')) {
      if (event.key === 'Escape') event.target.blur();
      return;
    }
    const value = state.item?.values.find((one, place) => view.keyOf(one, place) === event.key);
    const act = value !== undefined ? () => rate(value) : Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
    if (act === null) return;
    event.preventDefault();
    if (!event.repeat) act();
  });

  document.body.append(top, problem, main);
  const name = kept();
  if (name) once(() => begin(name)).then(() => state.items.length === 0 && ask());
  else ask();
})(window.Report);
