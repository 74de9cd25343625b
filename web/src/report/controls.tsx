/** What can be asked: the size of the run with its limits, a floor of a domain, or the weight of a family. */
import { useMemo } from 'preact/hooks';
import { Slider } from '../view/slider';
import { percentShort, setting, tokens } from './parts';
import type { Fitted, Question } from './question';

/** Steps of a slider between two exact solutions. */
const STEPS = 4;

/** Values on a slider: the knots, and steps between them. */
function steps(knots: number[], between: (a: number, b: number, share: number) => number): number[] {
  const values: number[] = [];
  knots.forEach((knot, i) => {
    values.push(knot);
    const next = knots[i + 1];
    for (let step = 1; next !== undefined && step < STEPS; step++) values.push(between(knot, next, step / STEPS));
  });
  return values;
}

const linear = (a: number, b: number, share: number) => a + (b - a) * share;
const geometric = (a: number, b: number, share: number) => a * (b / a) ** share;

interface Props {
  fitted: Fitted;
  question: Question;
  ask: (question: Question) => void;
}

export function Controls(props: Props) {
  const { fitted, question, ask } = props;
  const { answers, file } = fitted;
  const floors = file.domains.map((_, j) => j).filter((j) => answers.floorsOf(j).length > 0);
  const families = fitted.families.filter((family) => answers.factorsOf(family.name).length > 1);
  const kinds: [Question['kind'], string, () => Question, boolean][] = [
    ['run', answers.sizes.length > 0 ? 'the run, its repetition or the pull to the prior changes' : 'the pull to the prior changes', () => fitted.first, true],
    ['floor', 'a domain gets at least …', () => firstFloor(fitted, floors), floors.length > 0],
    ['family', 'a family of tasks counts more or less', () => ({ kind: 'family', family: families[0]!.name, factor: 1 }), families.length > 0],
  ];
  return (
    <div class="controls">
      <fieldset>
        <legend>What if</legend>
        {kinds
          .filter((kind) => kind[3])
          .map(([kind, label, begin]) => (
            <label key={kind} class="choice">
              <input type="radio" name="question" value={kind} checked={question.kind === kind} onChange={() => ask(begin())} /> {label}
            </label>
          ))}
      </fieldset>
      {question.kind === 'run' && <RunControls {...props} question={question} />}
      {question.kind === 'floor' && <FloorControls {...props} question={question} domains={floors} />}
      {question.kind === 'family' && <FamilyControls {...props} question={question} names={families.map((family) => family.name)} />}
    </div>
  );
}

/** The largest domain that has a floor to be asked for. */
function firstFloor(fitted: Fitted, domains: number[]): Question {
  const domain = domains.reduce((a, b) => (fitted.prior[b]! > fitted.prior[a]! ? b : a), domains[0]!);
  return { kind: 'floor', domain, least: fitted.answers.fitted[domain]! };
}

function RunControls({ fitted, question, ask }: Props & { question: Extract<Question, { kind: 'run' }> }) {
  const { answers, first } = fitted;
  const sizes = useMemo(() => steps(answers.sizes, geometric).map((size) => exactly(size * first.factor, first.target)), [answers, first]);
  const factors = useMemo(() => Array.from({ length: 41 }, (_, i) => first.factor * 2 ** ((i - 16) / 8)), [first]);
  const kls = useMemo(() => steps(answers.kl, linear), [answers]);
  const set = (part: Partial<typeof question>) => ask({ ...question, ...part });
  return (
    <div class="sliders">
      {sizes.length > 0 && (
        <>
          <Slider id="target" label="R, tokens of the run" values={sizes} value={question.target} say={tokens} change={(target) => set({ target })} />
          <Slider
            id="factor"
            label="k, times each token may be seen"
            values={factors}
            value={question.factor}
            say={(factor) => (question.capped ? setting(factor) : 'no limit')}
            change={(factor) => set({ factor })}
            disabled={!question.capped}
          />
          <label class="choice">
            <input type="checkbox" checked={!question.capped} onChange={(event) => set({ capped: !event.currentTarget.checked })} /> no limit on repetition
          </label>
        </>
      )}
      <Slider id="kl" label="λ, pull to the prior" values={kls} value={question.kl} say={(kl) => setting(kl)} change={(kl) => set({ kl })} />
    </div>
  );
}

/** The fit's own value where a step is a rounding away from it. */
function exactly(value: number, own: number): number {
  return Math.abs(value / own - 1) < 1e-6 ? own : value;
}

function FloorControls({ fitted, question, ask, domains }: Props & { question: Extract<Question, { kind: 'floor' }>; domains: number[] }) {
  const { answers, file } = fitted;
  const own = answers.fitted[question.domain]!;
  const values = useMemo(() => floorSteps(own, answers.floorsOf(question.domain)), [answers, question.domain]);
  return (
    <div class="sliders">
      <div class="slider">
        <label for="domain">Domain</label>
        <select
          id="domain"
          value={question.domain}
          onChange={(event) => {
            const domain = Number(event.currentTarget.value);
            ask({ kind: 'floor', domain, least: answers.fitted[domain]! });
          }}
        >
          {domains.map((j) => (
            <option key={j} value={j}>
              {file.domains[j]!.name}
            </option>
          ))}
        </select>
      </div>
      <Slider id="least" label="gets at least" values={values} value={question.least} say={percentShort} change={(least) => ask({ ...question, least })} />
      <p class="note">
        The fit gives it {percentShort(own)}; R, k and λ are those of the fit. {file.domains[question.domain]!.name} can have{' '}
        {percentShort(values[values.length - 1] ?? own)} here at most.
      </p>
    </div>
  );
}

/** Whole percentage points between the fit's weight and the last floor, and the floors. */
function floorSteps(own: number, floors: number[]): number[] {
  const last = floors[floors.length - 1] ?? own;
  const points = [];
  const step = last - own > 0.1 ? 0.01 : last - own > 0.02 ? 0.005 : 0.001;
  for (let i = Math.ceil(own / step); i * step < last; i++) points.push(Math.round(i * step * 1e4) / 1e4);
  const all = [own, ...points.filter((point) => point > own), ...floors].sort((a, b) => a - b);
  return all.filter((value, i) => i === 0 || value - all[i - 1]! > 1e-9);
}

function FamilyControls({ fitted, question, ask, names }: Props & { question: Extract<Question, { kind: 'family' }>; names: string[] }) {
  const values = useMemo(() => steps(fitted.answers.factorsOf(question.family), linear), [fitted, question.family]);
  return (
    <div class="sliders">
      <div class="slider">
        <label for="family">Family</label>
        <select id="family" value={question.family} onChange={(event) => ask({ kind: 'family', family: event.currentTarget.value, factor: 1 })}>
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <Slider
        id="weight"
        label="its weight in the average"
        values={values}
        value={question.factor}
        say={(factor) => (factor === 0 ? 'does not count' : `× ${setting(factor)}`)}
        change={(factor) => ask({ ...question, factor })}
      />
      <p class="note">The average below is weighed as in the fit, so that mixtures compare; R, k and λ are those of the fit.</p>
    </div>
  );
}
