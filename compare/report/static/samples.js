'use strict';

/** The sample browser: filters and a list on one side, the chosen sample on the other. */
(function (Report) {
  const { h, fill } = Report;
  const ROW = 76;

  class Browser {
    constructor(root, route, place, scores) {
      const { index } = Report.data;
      this.root = root;
      this.place = place;
      this.task = index.tasks[place];
      this.scores = scores;
      this.state = Report.filter.read(route.params);
      this.measure = this.task.measures.includes(this.state.by) ? this.state.by : (this.task.measures[0] ?? '');
      this.models = this.chosenModels();
      this.found = null;
      this.looking = '';
      this.closed = false;
      this.rows = [];
      this.document = scores.content.doc_id.indexOf(Number(route.parts[1] ?? NaN));
      this.count = h('span', { class: 'hint', 'aria-live': 'polite' });
      this.detail = h('div', { class: 'detail' });
      this.list = new Report.List({
        height: ROW,
        label: Report.t('page.samples'),
        row: (at) => this.row(at),
        onChoose: (at) => this.choose(this.rows[at].document),
      });
    }

    chosenModels() {
      const all = [...Report.data.index.models.keys()];
      const named = this.state.models
        .split('.')
        .filter(Boolean)
        .map(Number)
        .filter((place) => all.includes(place));
      return named.length ? named : all;
    }

    render() {
      fill(
        this.root,
        Report.sampleControls(this),
        h('div', { class: 'browser' }, h('aside', null, this.count, this.list.element), this.detail),
      );
      this.update();
      if (this.state.q) this.look();
      else if (this.document === -1 && this.rows.length) this.choose(this.rows[0].document, false);
      if (this.document !== -1) this.open();
    }

    change(name) {
      return (value) => {
        this.state[name] = value;
        Report.router.set({ [name]: value });
        if (name === 'by') Report.go(window.location.hash);
        else if (name === 'q' || name === 'in') this.look();
        else this.update();
      };
    }

    /** @param {number[]} chosen models that are shown; all where none is */
    pick(chosen) {
      const all = [...Report.data.index.models.keys()];
      this.models = chosen.length ? chosen : all;
      this.change('models')(chosen.length === all.length ? '' : chosen.join('.'));
      this.open();
    }

    /** Searches the texts, and lists what is found as it comes. */
    look() {
      const word = this.state.q.trim();
      this.found = null;
      this.looking = word;
      if (!word) {
        this.update();
        return;
      }
      const isOver = () => this.closed || this.looking !== word;
      delete this.count.dataset.searched;
      Report.search(this.scores, this.place, {
        word,
        answers: this.state.in === 'answers',
        isOver,
        onFound: (found, done, all) => {
          if (isOver()) return;
          this.found = found;
          this.update(done < all ? Report.t('samples.searching', { done, all }) : '');
        },
      })
        .then(() => {
          if (!isOver()) this.count.dataset.searched = word;
        })
        .catch((error) => fill(this.count, h('span', { class: 'problem' }, error.message)));
    }

    update(more = '') {
      const { t, format } = Report;
      this.rows = Report.filter.apply(this.scores, this.measure, this.state, this.models, this.found);
      fill(
        this.count,
        t('samples.shown', { count: format.count(this.rows.length), all: format.count(this.scores.length) }),
        more ? ` ${more}` : '',
      );
      const at = this.rows.findIndex((row) => row.document === this.document);
      this.list.show(this.rows.length, at);
      if (at !== -1) this.list.reveal();
      this.list.draw(true);
      if (!this.rows.length) this.list.space.append(h('p', { class: 'nothing' }, t('samples.nothing')));
    }

    row(at) {
      const { content } = this.scores;
      const { document, mean, low, high } = this.rows[at];
      const [from, to] = this.scores.range(this.measure);
      const share = (value) => `${(100 * (value - from)) / (to - from || 1)}%`;
      const picture = content.images[document][0];
      return h(
        'div',
        { class: 'row' },
        picture
          ? h('img', { src: `images/${picture[1]}`, alt: '', loading: 'lazy', decoding: 'async' })
          : h('span', { class: 'no-image' }),
        h(
          'div',
          { class: 'row-text' },
          h(
            'span',
            { class: 'doc-id' },
            `#${content.doc_id[document]}`,
            content.category[document] ? ` · ${Report.format.metric(content.category[document])}` : '',
          ),
          h('bdi', { class: 'row-question' }, Report.text.flat(Report.text.beginning(content.question[document], 120))),
        ),
        mean === null
          ? null
          : h(
              'div',
              { class: 'row-score' },
              h('span', null, Report.format.score(mean, 1)),
              h('span', { class: 'bar', vars: { from: share(low), size: share(from + high - low), at: share(mean) } }),
            ),
      );
    }

    choose(document, remember = true) {
      this.document = document;
      const { params } = Report.router.current();
      if (remember)
        Report.router.replace(
          Report.router.link('samples', [this.task.name, this.scores.content.doc_id[document]], params),
        );
      const at = this.rows.findIndex((row) => row.document === document);
      if (at !== this.list.chosen) this.list.show(this.rows.length, at);
      this.open();
    }

    async open() {
      const { document } = this;
      if (document === -1) return;
      const { chunk, offset } = this.scores.chunkOf(document);
      try {
        const answers = await Report.data.load(`answers/${this.place}-${chunk}`);
        if (document !== this.document) return;
        Report.fillSample(this.detail, {
          scores: this.scores,
          chunk: answers,
          document,
          offset,
          models: this.models,
          measure: this.measure,
          word: this.state.q.trim(),
        });
        this.detail.dataset.shown = String(this.scores.content.doc_id[document]);
      } catch (error) {
        fill(this.detail, h('p', { class: 'problem' }, error.message));
      }
    }

    /** Keys of the page: j and k go on and back, / goes to the search field. */
    key(event) {
      if (event.target.closest('input, select, textarea') || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'j') this.list.move(1);
      else if (event.key === 'k') this.list.move(-1);
      else if (event.key === '/') {
        event.preventDefault();
        this.root.querySelector('input[type=search]').focus();
      }
    }
  }

  async function render(root, route) {
    const { index } = Report.data;
    const place = route.parts.length ? index.tasks.findIndex((task) => task.name === route.parts[0]) : 0;
    if (place === -1) {
      fill(root, h('p', { class: 'problem' }, Report.t('error.task'), ' ', Report.text.inline(route.parts[0])));
      return undefined;
    }
    const browser = new Browser(root, route, place, await Report.scores.load(place));
    browser.render();
    return {
      key: (event) => browser.key(event),
      close: () => {
        browser.closed = true;
      },
    };
  }

  Report.pages.samples = { render };
})(window.Report);
