// The committed dashboards as data, for those who check, execute and draw them. Nobody of them asks the generator: what is
// imported into Grafana is the JSON.

import { readFileSync } from "node:fs";
import { type Name, UIDS } from "./frame.ts";
import { file } from "./generate.ts";

export interface Target {
  readonly refId: string;
  readonly expr?: string;
  readonly legendFormat?: string;
  readonly instant?: boolean;
  readonly format?: string;
  readonly datasource?: { readonly type?: string; readonly uid?: string };
  readonly namespace?: string;
  readonly metricName?: string;
  readonly dimensions?: Readonly<Record<string, readonly string[]>>;
}

export interface Step {
  readonly value: number | null;
  readonly color: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly type?: string; readonly uid?: string };
  readonly targets?: readonly Target[];
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit?: string;
      readonly decimals?: number;
      readonly noValue?: string;
      readonly mappings?: readonly { readonly options: Readonly<Record<string, { text?: string; color?: string }>> }[];
      readonly thresholds?: { readonly steps: readonly Step[] };
      readonly custom?: { readonly stacking?: { readonly mode?: string }; readonly thresholdsStyle?: { readonly mode?: string } };
    };
  };
  readonly options?: { readonly yAxis?: { readonly unit?: string } };
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query?: string | { readonly query?: string };
  readonly datasource?: { readonly type?: string; readonly uid?: string };
  readonly current?: { readonly value?: string | readonly string[] };
  readonly allValue?: string;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly links: readonly { readonly title: string; readonly url: string }[];
}

export const NAMES = Object.keys(UIDS) as Name[];

export function read(name: Name): Dashboard {
  return JSON.parse(readFileSync(file(name), "utf8")) as Dashboard;
}

/** The panels that show something; rows do not. */
export function shown(dashboard: Dashboard): Panel[] {
  return dashboard.panels.filter((panel) => panel.type !== "row");
}
