'use strict';

/**
 * Text of models, judges and documents. It is data: shown character by character, in an isolated run of its own
 * direction. What cannot be seen, or would turn the text around, is shown as a mark.
 */
(function (Report) {
  const { h } = Report;

  /** How many characters are shown before a reader asks for all. */
  const CUT = 3000;

  /** Controls but tab and line feed, bidirectional controls, what has no width, tags, halves of pairs. */
  const UNSEEN =
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;

  const NAMES = {
    0x0: 'NUL',
    0x7: 'BEL',
    0x8: 'BS',
    0xd: 'CR',
    0x1b: 'ESC',
    0x7f: 'DEL',
    0xad: 'SHY',
    0x61c: 'ALM',
    0x200b: 'ZWSP',
    0x200e: 'LRM',
    0x200f: 'RLM',
    0x2028: 'LS',
    0x2029: 'PS',
    0x202a: 'LRE',
    0x202b: 'RLE',
    0x202c: 'PDF',
    0x202d: 'LRO',
    0x202e: 'RLO',
    0x2060: 'WJ',
    0x2066: 'LRI',
    0x2067: 'RLI',
    0x2068: 'FSI',
    0x2069: 'PDI',
    0xfeff: 'BOM',
  };

  /** @param {string} character @returns {HTMLElement} the mark that stands for it */
  function mark(character) {
    const code = character.codePointAt(0);
    const number = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
    return h('span', { class: 'unseen', title: number }, NAMES[code] ?? number);
  }

  /** @param {string} text @returns {Array<string|HTMLElement>} the text, with marks for what is unseen */
  function pieces(text) {
    const found = [];
    let from = 0;
    for (const match of text.replaceAll('\r\n', '\n').matchAll(UNSEEN)) {
      if (match.index > from) found.push(match.input.slice(from, match.index));
      found.push(mark(match[0]));
      from = match.index + match[0].length;
    }
    found.push(text.replaceAll('\r\n', '\n').slice(from));
    return found;
  }

  /** As `pieces`; where a word that is looked for occurs, it is highlighted. */
  function highlighted(text, word) {
    if (!word) return pieces(text);
    const folded = text.toLowerCase();
    // Folding may change the length (İ): places would be wrong then.
    if (folded.length !== text.length) return pieces(text);
    const found = [];
    let from = 0;
    for (let at = folded.indexOf(word); at !== -1 && found.length < 400; at = folded.indexOf(word, from)) {
      found.push(pieces(text.slice(from, at)), h('mark', null, pieces(text.slice(at, at + word.length))));
      from = at + word.length;
    }
    found.push(pieces(text.slice(from)));
    return found;
  }

  /** @param {string} text @param {number} length @returns {string} its beginning, no pair torn apart */
  function beginning(text, length) {
    const last = text.charCodeAt(length - 1);
    return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
  }

  /**
   * A block of text with its line breaks; long text is cut, with a button that shows all.
   * @param {?string} text
   * @param {{word?: string, class?: string, cut?: number}} [options]
   * @returns {HTMLElement}
   */
  function block(text, options = {}) {
    const { word = '', cut = CUT } = options;
    const element = h('div', { class: `data ${options.class ?? ''}`, dir: 'auto' });
    const whole = text ?? '';
    if (whole.length <= cut) {
      Report.fill(element, highlighted(whole, word));
      return element;
    }
    const all = () => Report.fill(element, highlighted(whole, word));
    const label = Report.t('text.all', { count: Report.format.count(whole.length) });
    const button = h('button', { type: 'button', class: 'more', on: { click: all } }, label);
    Report.fill(element, highlighted(beginning(whole, cut), word), '… ', button);
    return element;
  }

  /** A short text in a line of its own direction, such as a model's name. */
  function inline(text) {
    return h('bdi', { class: 'inline-data' }, pieces(String(text ?? '')));
  }

  /** The same as a plain string, for charts, titles and options, where no element can stand. */
  function flat(text) {
    return String(text ?? '').replace(UNSEEN, (character) => {
      const code = character.codePointAt(0);
      return `⟨${NAMES[code] ?? `U+${code.toString(16).toUpperCase()}`}⟩`;
    });
  }

  Report.text = { block, inline, flat, beginning };
})(window.Report);
