'use strict';

/** Controls that pages share: a list to choose from, a row of buttons, and the choice of some models. */
(function (Report) {
  const { h, fill } = Report;
  let made = 0;

  /**
   * @param {string} label
   * @param {Array<[string, string]>} options value and text
   * @param {string} chosen
   * @param {(value: string) => void} onChange
   */
  function select(label, options, chosen, onChange) {
    const id = `control-${(made += 1)}`;
    const box = h(
      'select',
      { id, on: { change: (event) => onChange(event.target.value) } },
      options.map(([value, text]) => h('option', { value, selected: value === chosen }, Report.text.flat(text))),
    );
    return h('div', { class: 'control' }, h('label', { for: id }, label), box);
  }

  /** A field for text or a number; it reports once typing has stopped. */
  function field(label, type, value, onChange, more = {}) {
    const id = `control-${(made += 1)}`;
    const report = Report.settled(type === 'search' ? 120 : 60, (event) => onChange(event.target.value));
    const box = h('input', {
      id,
      type,
      value,
      autocomplete: 'off',
      spellcheck: 'false',
      on: { input: report },
      ...more,
    });
    return h('div', { class: `control control-${type}` }, h('label', { for: id }, label), box);
  }

  /** A row of buttons, one of which is pressed. */
  function switcher(label, options, chosen, onChange) {
    const buttons = options.map(([value, text]) =>
      h('button', { type: 'button', 'aria-pressed': value === chosen, on: { click: () => press(value) } }, text),
    );
    buttons.forEach((button, i) => button.setAttribute('aria-pressed', String(options[i][0] === chosen)));
    function press(value) {
      buttons.forEach((button, i) => button.setAttribute('aria-pressed', String(options[i][0] === value)));
      onChange(value);
    }
    return h('div', { class: 'switcher', role: 'group', 'aria-label': label }, buttons);
  }

  /**
   * A choice of models by checkboxes, folded away.
   * @param {number[]} chosen places in the index
   * @param {number} most how many at a time
   * @param {(chosen: number[]) => void} onChange
   */
  function models(chosen, most, onChange) {
    const { models: all } = Report.data.index;
    const selected = new Set(chosen);
    const summary = h('summary');
    const boxes = all.map((model, i) => {
      const box = h('input', { type: 'checkbox', value: i, on: { change: toggle } });
      box.checked = selected.has(i);
      return h('label', null, box, ' ', Report.text.inline(model.label));
    });
    function toggle(event) {
      const i = Number(event.target.value);
      if (event.target.checked) selected.add(i);
      else selected.delete(i);
      for (const first of selected) {
        if (selected.size <= most) break;
        if (first === i) continue;
        selected.delete(first);
        boxes[first].querySelector('input').checked = false;
      }
      label();
      onChange([...selected]);
    }
    function label() {
      fill(summary, Report.t('models.chosen', { count: selected.size, all: all.length }));
    }
    label();
    return h('details', { class: 'picker' }, summary, h('div', { class: 'choices' }, boxes));
  }

  Report.choices = { select, field, switcher, models };
})(window.Report);
