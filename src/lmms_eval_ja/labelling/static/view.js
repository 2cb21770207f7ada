'use strict';

/** What a rater sees of an item. Texts of models and documents are data: `Report.text` shows them as such. */
(function (Report) {
  const { h, t } = Report;

  /** @param {string} title @param {...*} content @returns {?HTMLElement} nothing where there is no content */
  function part(title, kind, ...content) {
    return h('section', { class: `part ${kind}` }, h('h2', null, title), content);
  }

  /** @param {string} text @returns {HTMLElement} */
  function said(text) {
    return text === '' ? h('p', { class: 'quiet' }, t('answer.empty')) : Report.text.block(text);
  }

  /** @param {Array<string>} names @returns {HTMLElement} */
  function pictures(names) {
    if (names.length === 0) return h('p', { class: 'quiet' }, t('picture.none'));
    const shown = names.map((name, place) => {
      const title = t('picture', { place: place + 1, total: names.length });
      const image = h('img', { src: `images/${name}`, alt: title });
      const frame = h('button', { type: 'button', class: 'picture', title, tabindex: -1 }, image);
      frame.addEventListener('click', () => frame.classList.toggle('large'));
      image.addEventListener('error', () => frame.replaceWith(h('p', { class: 'bad' }, t('picture.broken'))));
      return frame;
    });
    return h('div', { class: 'pictures' }, shown);
  }

  /** @param {Array<{user: string, assistant: string}>} turns */
  function history(turns) {
    const rows = turns.map((turn) => [
      h('h3', null, t('user')),
      Report.text.block(turn.user),
      h('h3', null, t('assistant')),
      Report.text.block(turn.assistant),
    ]);
    return part(t('history'), 'history', rows);
  }

  /** @param {{criteria: string, levels: Array<string>}} rubric */
  function rubric(rubric) {
    const levels = rubric.levels.map((level) => h('li', null, Report.text.inline(level)));
    return part(t('rubric'), 'rubric', Report.text.block(rubric.criteria), h('ol', null, levels));
  }

  /** What was asked: pictures, question, context, reference. */
  function asked(item) {
    return h(
      'div',
      { class: 'asked' },
      pictures(item.images),
      item.history.length > 0 && history(item.history),
      part(t('question'), 'question', Report.text.block(item.question)),
      item.reference && part(t('reference'), 'reference', Report.text.block(item.reference)),
      item.context && part(t('context'), 'context', Report.text.block(item.context, { cut: 400 })),
    );
  }

  /** The text or the two texts that are rated. */
  function rated(item) {
    if (item.texts.length === 1) return part(t('answer'), 'answer', said(item.texts[0]));
    const sides = ['left', 'right'].map((side, place) => part(t(side), `answer ${side}`, said(item.texts[place])));
    const given = item.answer && part(t('answer.given'), 'given', said(item.answer));
    return [given, h('div', { class: 'sides' }, sides)];
  }

  /** @param {number|string} value @param {number} place @returns {string} the key that chooses it */
  function keyOf(value, place) {
    return typeof value === 'number' ? String(value % 10) : String(place + 1);
  }

  /** @param {Object} item @param {(value: number|string) => void} choose */
  function choices(item, choose) {
    const last = item.values.length - 1;
    const buttons = item.values.map((value, place) => {
      const isScore = typeof value === 'number';
      const key = keyOf(value, place);
      const end = isScore && (place === 0 ? t('low') : place === last ? t('high') : '');
      return h(
        'button',
        {
          type: 'button',
          class: isScore ? 'choice' : 'choice wide',
          'aria-pressed': String(item.value === value),
          'data-value': value,
          on: { click: () => choose(value) },
        },
        isScore ? h('b', null, value) : h('b', null, t(`${value}.better`)),
        isScore && end && h('span', null, end),
        key !== String(value) && h('kbd', null, key),
      );
    });
    return h('div', { class: 'choices', role: 'group' }, buttons);
  }

  /** A button with its key. */
  function action(label, key, call, more = {}) {
    return h('button', { type: 'button', class: 'action', ...more, on: { click: call } }, label, ' ', h('kbd', null, key));
  }

  Report.view = { asked, rated, rubric, choices, keyOf, action };
})(window.Report);
