'use strict';

/** Elements are made here and nowhere else: text is always a text node, and no attribute can hold code. */
(function (Report) {
  const SVG = 'http://www.w3.org/2000/svg';
  const ATTRIBUTES =
    /^(class|id|for|type|name|value|min|max|step|placeholder|title|lang|dir|role|tabindex|scope|colspan|rowspan|alt|loading|decoding|width|height|open|disabled|checked|selected|hidden|list|inputmode|autocomplete|spellcheck|aria-[a-z]+|data-[a-z]+|viewBox|d|x|y|x1|x2|y1|y2|cx|cy|r|rx)$/;

  /**
   * @param {Element} element
   * @param {Object<string, *>} attributes null and false are left out, true is the empty value; `on` holds listeners
   */
  function assign(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === 'on') {
        for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
      } else if (name === 'vars') {
        for (const [property, setting] of Object.entries(value)) element.style.setProperty(`--${property}`, setting);
      } else if (name === 'href') {
        if (!String(value).startsWith('#')) throw new Error(`a link within the report begins with #: ${value}`);
        element.setAttribute('href', value);
      } else if (name === 'src') {
        if (!/^images\/[\w.-]+(\/[\w.-]+)*$/.test(value)) throw new Error(`not a picture of the report: ${value}`);
        element.setAttribute('src', value);
      } else if (ATTRIBUTES.test(name)) {
        element.setAttribute(name, value === true ? '' : String(value));
      } else {
        throw new Error(`attribute ${name} is not allowed`);
      }
    }
  }

  /** @param {Element} element @param {Array<*>} children strings and numbers become text nodes */
  function append(element, children) {
    for (const child of children.flat(Infinity)) {
      if (child === null || child === undefined || child === false) continue;
      element.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
  }

  /**
   * @param {string} tag
   * @param {?Object<string, *>} [attributes]
   * @param {...*} children
   * @returns {HTMLElement}
   */
  function h(tag, attributes, ...children) {
    const element = document.createElement(tag);
    assign(element, attributes ?? {});
    append(element, children);
    return element;
  }

  /** As `h`, for the elements of SVG. */
  function svg(tag, attributes, ...children) {
    const element = document.createElementNS(SVG, tag);
    assign(element, attributes ?? {});
    append(element, children);
    return element;
  }

  /** @param {Element} element @param {...*} children what it holds from now on */
  function fill(element, ...children) {
    element.replaceChildren();
    append(element, children);
    return element;
  }

  /**
   * Calls a function once the calls have stopped for a while.
   * @param {number} wait milliseconds
   * @param {(...args: *) => void} call
   */
  function settled(wait, call) {
    let timer = 0;
    return (...args) => {
      clearTimeout(timer);
      timer = setTimeout(() => call(...args), wait);
    };
  }

  Object.assign(Report, { h, svg, fill, settled });
})(window.Report);
