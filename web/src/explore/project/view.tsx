/** The project: its history as a graph, two of its mixtures side by side, and what could be trained next. */
import { useEffect, useState } from 'preact/hooks';
import { sentence } from '../state/actions';
import { ask, type Refusal } from '../state/client';
import type { State } from '../state/store';
import type { Project } from '../state/types';
import { Difference } from './difference';
import { costs, Graph } from './graph';
import { Plans } from './plans';

export function ProjectView(_: { state?: State }) {
  const [project, set] = useState<Project | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [a, setA] = useState<string | null>(null);
  const [b, setB] = useState<string | null>(null);
  const load = () => {
    setRefusal(null);
    ask<Project>('api/project').then(
      (found) => {
        set(found);
        const mixtures = found.records.filter((record) => record.mixture);
        setB((before) => before ?? mixtures[0]?.id ?? null);
        setA((before) => before ?? mixtures[1]?.id ?? mixtures[0]?.id ?? null);
      },
      (error: Refusal) => setRefusal(error),
    );
  };
  useEffect(load, []);
  if (refusal) {
    return (
      <section class="panel" aria-label="Project">
        <p class="empty" role="alert">
          {sentence(refusal.message)} {refusal.help && sentence(refusal.help)}
        </p>
        <p class="empty">
          <button type="button" class="button" onClick={load}>
            Try again
          </button>
        </p>
      </section>
    );
  }
  if (!project) return <p class="empty">Reading the history …</p>;
  return (
    <div class="project">
      <section class="panel" aria-label="History">
        <header>
          <h2>History</h2>
          <span class="muted">
            {project.records.length} records, the newest first{project.cost && project.cost.runs > 0 && `; in all ${costs(project.cost)}`}
          </span>
        </header>
        {project.records.length === 0 ? (
          <p class="empty">Nothing is recorded yet: olmix commit records a mixture.</p>
        ) : (
          <Graph records={project.records} head={project.head} a={a} b={b} choose={(which, id) => (which === 'a' ? setA(id) : setB(id))} />
        )}
      </section>
      <div class="stack side">
        <section class="panel" aria-label="Plans">
          <header>
            <h2>Plans</h2>
            <span class="muted">what could be trained next</span>
          </header>
          <Plans />
        </section>
        <section class="panel" aria-label="Two mixtures">
          <header>
            <h2>Two mixtures</h2>
            <span class="muted">choose A and B in the history</span>
          </header>
          {a && b ? <Difference a={a} b={b} /> : <p class="empty">No mixture is recorded yet.</p>}
        </section>
      </div>
    </div>
  );
}
