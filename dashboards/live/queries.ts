// Asks Prometheus, as Grafana would: variables replaced, over a range or at an instant. Must not forgive: an error is an
// error, and nothing but NaN is nothing.

import { type Dashboard, type Target } from "../grafana/read.ts";

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [seconds: number, value: string])[];
}

export interface Span {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** What Grafana puts for the variables, at a scrape each second. */
export function replaced(expr: string, dashboard: Dashboard): string {
  const values = new Map<string, string>([["__rate_interval", "15s"], ["__interval", "5s"]]);
  for (const { name, allValue } of dashboard.templating.list) values.set(name, allValue ?? "");
  const done = expr.replace(/\$\{(\w+)\}|\$(\w+)/g, (all, braced: string | undefined, bare: string | undefined) => values.get(braced ?? bare ?? "") ?? all);
  if (done.includes("$")) throw new Error(`a variable is left in: ${done}`);
  return done;
}

export class Prometheus {
  constructor(readonly url: string) {}

  async ask<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const answer = await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const body = (await answer.json()) as { status: string; error?: string; data: T; warnings?: string[] };
    if (body.status !== "success") throw new Error(`${body.error}\n    ${parameters["query"] ?? path}`);
    return body.data;
  }

  async range(query: string, { from, to, step }: Span): Promise<Series[]> {
    const parameters = { query, start: String(from), end: String(to), step: String(step) };
    return (await this.ask<{ result: Series[] }>("query_range", parameters)).result;
  }

  async instant(query: string, at?: number): Promise<Series[]> {
    const parameters: Record<string, string> = at === undefined ? { query } : { query, time: String(at) };
    const { result } = await this.ask<{ result: { metric: Series["metric"]; value: [number, string] }[] }>("query", parameters);
    return result.map(({ metric, value }) => ({ metric, values: [value] }));
  }

  /** As the panel asks. */
  target(target: Target, dashboard: Dashboard, span: Span): Promise<Series[]> {
    const query = replaced(target.expr ?? "", dashboard);
    return target.instant ? this.instant(query, span.to) : this.range(query, span);
  }

  async holds(query: string): Promise<boolean> {
    return something(await this.instant(query));
  }
}

/** Whether there is any number in it. */
export function something(series: readonly Series[]): boolean {
  return series.some(({ values }) => values.some(([, value]) => Number.isFinite(Number(value))));
}
