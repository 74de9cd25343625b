/** What is asked of the page, and its answer: a mixture, its losses, and what holds it. */
import type { Answer, Family, MixtureFile, PageData, Predict, Share } from './parts';
import { Answers, averageLoss, familiesOf, familyLoss, heldBy, lawsOf, percentShort, setting, tokens } from './parts';

export type Question =
  | { kind: 'run'; target: number; factor: number; capped: boolean; kl: number }
  | { kind: 'floor'; domain: number; least: number }
  | { kind: 'family'; family: string; factor: number };

export interface Outcome {
  weights: ArrayLike<number>;
  losses: Float64Array;
  families: number[];
  average: number;
  epochs: (number | null)[];
  held: string[];
  exact: boolean;
  /** The nearest exact solution in words, and the question that it answers. */
  nearest: string;
  nearestQuestion: Question;
}

/** A fit as the page has it. */
export class Fitted {
  readonly answers: Answers;
  readonly laws: Predict[];
  readonly families: Family[];
  readonly natural: Float64Array;
  readonly prior: Float64Array;
  readonly first: Extract<Question, { kind: 'run' }>;
  readonly base: Outcome;

  constructor(readonly file: MixtureFile, data: NonNullable<PageData['answers']>) {
    this.answers = new Answers(file, data);
    this.laws = lawsOf(file);
    this.families = familiesOf(file);
    this.prior = Float64Array.from(file.domains, (domain) => domain.prior);
    this.natural = this.losses(this.prior);
    const capped = this.answers.own.size !== null;
    const factor = file.repetition_factor ?? 4;
    // Without a size of the run, one of all tokens.
    const all = file.domains.reduce((sum, domain) => sum + (domain.tokens ?? 0), 0);
    this.first = { kind: 'run', target: file.target_tokens ?? all, factor, capped, kl: this.answers.own.kl };
    this.base = this.answer(this.first) as Outcome;
  }

  losses(weights: ArrayLike<number>): Float64Array {
    return Float64Array.from(this.laws, (law) => law(weights));
  }

  /** The mixture of an answer, to be exported. */
  shares(outcome: Outcome): Share[] {
    return this.file.domains.map(({ name, tokens }, j) => ({ domain: name, weight: outcome.weights[j]!, tokens, epochs: outcome.epochs[j]! }));
  }

  /** Tokens of the run that is asked about; null where they are not known. */
  target(question: Question): number | null {
    return question.kind === 'run' && this.answers.sizes.length > 0 ? question.target : this.file.target_tokens;
  }

  /** The answer; a sentence where there is no mixture. */
  answer(question: Question): Outcome | string {
    if (question.kind === 'run') {
      const { target, factor, capped, kl } = question;
      const own = capped && target === this.first.target && factor === this.first.factor ? this.answers.own.size : target / factor;
      const found = this.answers.run(capped ? own : null, kl);
      if (!found) return this.tooLarge(question);
      const { size } = found.nearest;
      const caps = size === null ? 'no limit on repetition' : `R = ${tokens(size * factor)}, k = ${setting(factor)}`;
      const nearest = { ...question, capped: size !== null, target: size === null ? target : size * factor, kl: found.nearest.kl };
      return this.outcome(question, found, `${caps}, λ = ${setting(found.nearest.kl)}`, nearest);
    }
    if (question.kind === 'floor') {
      const found = this.answers.floor(question.domain, question.least);
      const own = found.nearest === this.answers.fitted[question.domain];
      const name = own ? 'the mixture of the fit' : `at least ${percentShort(found.nearest)}`;
      return this.outcome(question, found, name, { ...question, least: found.nearest });
    }
    const found = this.answers.emphasis(question.family, question.factor);
    return this.outcome(question, found, `weight × ${setting(found.nearest)}`, { ...question, factor: found.nearest });
  }

  private tooLarge({ target, factor }: Extract<Question, { kind: 'run' }>): string {
    const most = this.answers.sizes[this.answers.sizes.length - 1];
    const limit = most === undefined ? '' : ` At k = ${setting(factor)}, it is enough for R = ${tokens(most * factor)} at most.`;
    return `No mixture: the data is too small for R = ${tokens(target)} with each token seen at most ${setting(factor)} times.${limit}`;
  }

  private outcome(question: Question, answer: Answer, nearest: string, nearestQuestion: Question): Outcome {
    const { file } = this;
    const losses = this.losses(answer.weights);
    const run = question.kind === 'run' ? question : this.first;
    const target = this.target(question);
    const raised = question.kind === 'floor' && question.least > this.answers.fitted[question.domain]!;
    const floor = raised ? { domain: question.domain, least: question.least } : undefined;
    return {
      weights: answer.weights,
      losses,
      families: this.families.map((family) => familyLoss(file, family, losses)),
      average: averageLoss(file, losses),
      epochs: file.domains.map((domain, j) => (target === null || !domain.tokens ? null : (answer.weights[j]! * target) / domain.tokens)),
      held: heldBy(file, answer.weights, { size: run.capped ? run.target / run.factor : null, floor }),
      exact: answer.exact,
      nearest,
      nearestQuestion,
    };
  }
}
