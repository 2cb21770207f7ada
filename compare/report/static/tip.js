'use strict';

/** One small window for explanations: on hover, on focus and on tap. */
(function (Report) {
  const { h, fill } = Report;
  /** @type {WeakMap<Element, () => *>} */
  const contents = new WeakMap();
  let box = null;

  function make() {
    box = h('div', { class: 'tip', role: 'tooltip', id: 'tip', hidden: true });
    document.body.append(box);
    for (const event of ['mouseover', 'focusin', 'click']) document.addEventListener(event, onEnter);
    document.addEventListener('keydown', (event) => event.key === 'Escape' && hide());
    document.addEventListener('scroll', hide, { passive: true, capture: true });
  }

  function onEnter(event) {
    const owner = event.target instanceof Element ? event.target.closest('.has-tip') : null;
    if (owner && contents.has(owner)) show(owner, contents.get(owner)());
    else if (!(event.target instanceof Node && box.contains(event.target))) hide();
  }

  function hide() {
    if (box) box.hidden = true;
  }

  /** @param {Element|{getBoundingClientRect: () => DOMRect}} anchor @param {*} content */
  function show(anchor, content) {
    if (!box) make();
    fill(box, content);
    box.hidden = false;
    const place = anchor.getBoundingClientRect();
    const below = place.bottom + 8 + box.offsetHeight < window.innerHeight;
    const top = below ? place.bottom + 6 : Math.max(4, place.top - box.offsetHeight - 6);
    const left = Math.min(Math.max(4, place.left), window.innerWidth - box.offsetWidth - 8);
    box.style.setProperty('top', `${top}px`);
    box.style.setProperty('left', `${Math.max(4, left)}px`);
  }

  /**
   * Gives an element an explanation.
   * @template {Element} T
   * @param {T} element
   * @param {() => *} content made when it is shown
   * @returns {T}
   */
  function explain(element, content) {
    if (!box) make();
    element.classList.add('has-tip');
    contents.set(element, content);
    return element;
  }

  /** Names with values, one a line; lines without a value are left out. */
  function facts(pairs) {
    const lines = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
    return h(
      'dl',
      { class: 'facts' },
      lines.map(([name, value]) => [h('dt', null, name), h('dd', null, value)]),
    );
  }

  Report.tip = { explain, show, hide, facts };
})(window.Report);
