/** The panel that answers: a question, and its mixture. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { Controls } from './controls';
import { Copies } from './copies';
import { Domains, Families } from './outcome';
import { change, loss } from './parts';
import { Fitted, type Outcome, type Question } from './question';

export function Panel({ fitted }: { fitted: Fitted }) {
  const [question, ask] = useState<Question>(fitted.first);
  const [sought, seek] = useState('');
  const answer = useMemo(() => fitted.answer(question), [fitted, question]);
  const [last, keep] = useState<Outcome>(fitted.base);
  const outcome = typeof answer === 'string' ? null : answer;
  useEffect(() => {
    if (outcome) keep(outcome);
  }, [outcome]);
  const shown = outcome ?? last;
  const summary = typeof answer === 'string' ? answer : sentence(fitted, answer);
  return (
    <>
      <h2 id="try">What if …?</h2>
      <p class="note">
        Answers made when this report was written: exact solutions, and mixtures between them, valued by the fitted laws. Nothing leaves this
        page.
      </p>
      <Controls fitted={fitted} question={question} ask={ask} />
      <div class="answer-box">
        <p class={outcome ? 'summary' : 'summary none'}>{summary}</p>
        {outcome && !outcome.exact && (
          <p class="between">
            Between exact solutions. Nearest exact solution: {outcome.nearest}.{' '}
            <button type="button" onClick={() => ask(outcome.nearestQuestion)}>
              Show it
            </button>
          </p>
        )}
        {outcome?.exact && <p class="between">This is an exact solution.</p>}
        <Spoken text={summary} />
      </div>
      <div class="bar">
        <label class="search">
          Find a domain or task <input type="search" value={sought} onInput={(event) => seek(event.currentTarget.value)} />
        </label>
        <button type="button" onClick={() => ask(fitted.first)}>
          Back to the fit
        </button>
        <Copies shares={() => fitted.shares(shown)} />
      </div>
      <div class={outcome ? 'pair' : 'pair stale'}>
        <Domains fitted={fitted} outcome={shown} sought={sought} />
        <Families fitted={fitted} outcome={shown} sought={sought} />
      </div>
    </>
  );
}

/** The answer in a sentence. */
function sentence(fitted: Fitted, outcome: Outcome): string {
  const natural = fitted.file.law.tasks.reduce((sum, task, i) => sum + task.weight * fitted.natural[i]!, 0);
  const base = fitted.base.average;
  const against = outcome.average / base - 1;
  const cost = Math.abs(against) < 5e-5 ? 'as the mixture of the fit' : `${change(against)} against the mixture of the fit`;
  return `Average loss ${loss(outcome.average)}: ${change(outcome.average / natural - 1)} against the prior, ${cost}.${whoPays(fitted, outcome)}`;
}

/** The families that lose most against the fit. */
function whoPays(fitted: Fitted, outcome: Outcome): string {
  const changes = fitted.families.map((family, f) => ({ name: family.name, by: outcome.families[f]! / fitted.base.families[f]! - 1 }));
  const worse = changes.filter((one) => one.by > 5e-5).sort((a, b) => b.by - a.by);
  const better = changes.filter((one) => one.by < -5e-5).sort((a, b) => a.by - b.by);
  const list = (some: typeof worse) => some.slice(0, 3).map((one) => `${one.name} (${change(one.by)})`).join(', ');
  const more = (some: typeof worse) => (some.length > 3 ? ` and ${some.length - 3} more` : '');
  const pays = worse.length > 0 ? ` Who pays: ${list(worse)}${more(worse)}.` : '';
  const gains = better.length > 0 ? ` Who gains: ${list(better)}${more(better)}.` : '';
  return pays + gains;
}

/** What a screen reader says once a slider rests. */
function Spoken({ text }: { text: string }) {
  const [said, say] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => say(text), 500);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <p class="offscreen" role="status">
      {said}
    </p>
  );
}
