'use strict';

/** A long list of rows of one height, of which only those in sight are in the page. */
(function (Report) {
  const { h, fill } = Report;
  const BEYOND = 6;

  class List {
    /**
     * @param {{height: number, label: string, row: (at: number) => HTMLElement, onChoose: (at: number) => void}} options
     *   `height` of a row in pixels; `row` makes one
     */
    constructor(options) {
      this.options = options;
      this.count = 0;
      this.chosen = -1;
      this.first = -1;
      this.space = h('div', { class: 'space' });
      this.element = h(
        'div',
        {
          class: 'virtual',
          role: 'listbox',
          tabindex: 0,
          'aria-label': options.label,
          on: { scroll: () => this.draw(), click: (event) => this.click(event), keydown: (event) => this.key(event) },
        },
        this.space,
      );
      // It has no height before it is in the page.
      new ResizeObserver(() => {
        this.reveal();
        this.draw(true);
      }).observe(this.element);
    }

    /** @param {number} count rows from now on @param {number} chosen */
    show(count, chosen) {
      this.count = count;
      this.chosen = chosen;
      this.space.style.setProperty('height', `${count * this.options.height}px`);
      this.draw(true);
    }

    draw(anew = false) {
      const { height, row } = this.options;
      const first = Math.max(0, Math.floor(this.element.scrollTop / height) - BEYOND);
      if (!anew && first === this.first) return;
      this.first = first;
      const last = Math.min(this.count, first + Math.ceil((this.element.clientHeight || 400) / height) + 2 * BEYOND);
      const rows = [];
      for (let at = first; at < last; at += 1) {
        const element = row(at);
        element.id = `row-${at}`;
        element.dataset.at = String(at);
        element.setAttribute('role', 'option');
        element.setAttribute('aria-selected', String(at === this.chosen));
        element.setAttribute('aria-setsize', String(this.count));
        element.setAttribute('aria-posinset', String(at + 1));
        element.style.setProperty('top', `${at * height}px`);
        rows.push(element);
      }
      fill(this.space, rows);
      if (this.chosen >= first && this.chosen < last)
        this.element.setAttribute('aria-activedescendant', `row-${this.chosen}`);
      else this.element.removeAttribute('aria-activedescendant');
    }

    click(event) {
      const row = event.target.closest('[data-at]');
      if (row) this.choose(Number(row.dataset.at));
    }

    key(event) {
      const page = Math.max(1, Math.floor(this.element.clientHeight / this.options.height) - 1);
      const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
      if (!(event.key in moves)) return;
      event.preventDefault();
      this.move(moves[event.key]);
    }

    /** Chooses the row so many places further. */
    move(by) {
      if (this.count) this.choose(Math.min(this.count - 1, Math.max(0, this.chosen + by)));
    }

    choose(at) {
      this.chosen = at;
      this.reveal();
      this.draw(true);
      this.options.onChoose(at);
    }

    /** Scrolls as little as is needed to have the chosen row in sight. */
    reveal() {
      if (this.chosen < 0 || !this.element.clientHeight) return;
      const { height } = this.options;
      const top = this.chosen * height;
      const { scrollTop, clientHeight } = this.element;
      if (top < scrollTop) this.element.scrollTop = top;
      else if (top + height > scrollTop + clientHeight) this.element.scrollTop = top + height - clientHeight;
    }
  }

  Report.List = List;
})(window.Report);
