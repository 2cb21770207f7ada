'use strict';

/** One sample: picture, question, reference, and every model's answer side by side with its verdicts. */
(function (Report) {
  const { h, fill } = Report;
  const { STATES } = Report.scores;

  /**
   * @param {{scores: Object, chunk: Object, document: number, offset: number, models: number[], measure: string, word: string}} view
   * @returns {HTMLElement}
   */
  function sample(view) {
    const { t } = Report;
    const { content, task } = view.scores;
    const { document } = view;
    const word = view.word.toLowerCase();
    const context = view.chunk.context[view.offset];
    return h(
      'article',
      { class: 'sample' },
      h(
        'header',
        null,
        h(
          'h2',
          null,
          Report.text.inline(task.name),
          ' ',
          h('span', { class: 'doc-id' }, `#${content.doc_id[document]}`),
        ),
        h(
          'p',
          { class: 'hint' },
          Report.text.inline(content.question_id[document]),
          content.category[document] ? [' · ', Report.format.metric(content.category[document])] : null,
        ),
      ),
      h(
        'div',
        { class: 'asked' },
        h(
          'div',
          { class: 'pictures' },
          content.images[document].length
            ? content.images[document].map((picture) => image(picture))
            : h('p', { class: 'quiet' }, t('sample.no_picture')),
        ),
        h(
          'div',
          null,
          h('h3', null, t('sample.question')),
          Report.text.block(content.question[document], { word, class: 'question' }),
          h('h3', null, t('sample.reference')),
          Report.text.block(view.chunk.reference[view.offset], { word }),
          context
            ? h('details', null, h('summary', null, t('sample.context')), Report.text.block(context, { word }))
            : null,
        ),
      ),
      h(
        'div',
        { class: 'answers' },
        ordered(view).map((model) => card(view, model, word)),
      ),
    );
  }

  /** The models, best answer first; those without a score last. */
  function ordered(view) {
    return Report.sorted(view.models, (model) => view.scores.score(view.measure, view.document, model), true);
  }

  /** The small picture; a press shows the full one in its place. */
  function image([full, small, width, height]) {
    const { t } = Report;
    const picture = h('img', { src: `images/${small}`, alt: t('sample.picture'), loading: 'lazy', width, height });
    const press = () => {
      const grown = button.classList.toggle('grown');
      picture.setAttribute('src', `images/${grown ? full : small}`);
      button.setAttribute('aria-expanded', String(grown));
    };
    const button = h(
      'button',
      {
        type: 'button',
        class: 'picture',
        'aria-expanded': 'false',
        title: t('sample.enlarge', { width, height }),
        on: { click: press },
      },
      picture,
    );
    return button;
  }

  /** The rows of the chunk that hold a model's answer, by repeat. */
  function rowsOf(view, model) {
    const { chunk, offset } = view;
    return chunk.document.flatMap((document, row) => (document === offset && chunk.model[row] === model ? [row] : []));
  }

  function card(view, model, word) {
    const { t } = Report;
    const { models } = Report.data.index;
    const rows = rowsOf(view, model);
    const state = view.scores.state(view.document, model);
    const element = h(
      'section',
      { class: 'answer', 'data-model': models[model].id },
      h(
        'header',
        null,
        h('h3', null, Report.text.inline(models[model].label)),
        h('span', { class: 'scores' }, badges(view, model)),
      ),
    );
    if (state === STATES.absent || !rows.length) {
      element.append(h('p', { class: 'quiet' }, t('sample.absent')));
      return element;
    }
    let text = null;
    for (const row of rows) {
      const repeat = view.chunk.repeat?.[row] ?? 0;
      const given = view.chunk.answer[row];
      const failure = view.chunk.generation_failure?.[row] ?? null;
      if (given !== true) text = given;
      const part = [];
      if (rows.length > 1) part.push(h('p', { class: 'repeat' }, t('sample.repeat', { number: repeat + 1 })));
      if (failure !== null)
        part.push(h('p', { class: 'bad' }, t('sample.not_generated'), ' ', Report.text.inline(failure)));
      else if (given !== true)
        part.push(
          text === ''
            ? h('p', { class: 'quiet' }, t('sample.empty'))
            : Report.text.block(text, { word, class: 'text', cut: 1200 }),
        );
      part.push(verdicts(view, row));
      for (const node of part.flat()) if (node) element.append(node);
    }
    return element;
  }

  /** The scores of an answer, the measure that is looked at in front. */
  function badges(view, model) {
    const { format } = Report;
    const { measures } = view.scores.task;
    const order = [view.measure, ...measures.filter((name) => name !== view.measure)];
    return order.map((name) => {
      const value = view.scores.score(name, view.document, model);
      const [low, high] = view.scores.range(name);
      const share = format.known(value) ? (value - low) / (high - low || 1) : 0;
      return Report.tip.explain(
        h(
          'span',
          { class: `badge ${name === view.measure ? 'first' : ''}`, vars: { share: `${Math.round(100 * share)}%` } },
          format.score(value, view.scores.digits(name)),
        ),
        () => format.metric(name),
      );
    });
  }

  /** What each protocol says of a row: score, reference's score, failure and feedback. */
  function verdicts(view, row) {
    const { t, format } = Report;
    const { chunk } = view;
    const value = (name, field) => chunk[`${name}_${field}`]?.[row] ?? null;
    return view.scores.task.protocols.map((name) => {
      const [score, reference, failure, reason, feedback] = [
        'score',
        'reference_score',
        'failure',
        'reason',
        'feedback',
      ].map((field) => value(name, field));
      if (score === null && failure === null && feedback === null) return null;
      const summary = h(
        'summary',
        null,
        format.metric(name),
        ' ',
        score !== null ? h('strong', null, format.score(score, 2).replace(/\.?0+$/, '')) : null,
        reference !== null
          ? h(
              'span',
              { class: 'quiet' },
              ` ${t('sample.reference_score', { score: format.score(reference, 2).replace(/\.?0+$/, '') })}`,
            )
          : null,
        failure !== null
          ? h('span', { class: 'bad' }, ` ${t('sample.not_judged')}: `, Report.text.inline(failure))
          : null,
      );
      const body = [
        reason !== null ? Report.text.block(reason, { class: 'bad' }) : null,
        feedback !== null ? Report.text.block(feedback, { class: 'feedback' }) : null,
      ].filter(Boolean);
      if (!body.length) return h('div', { class: 'verdict bare' }, [...summary.childNodes]);
      return h('details', { class: 'verdict' }, summary, body);
    });
  }

  Report.sample = sample;
  Report.fillSample = (place, view) => fill(place, sample(view));
})(window.Report);
