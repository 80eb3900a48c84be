// What the three dashboards have in common: uids that never change, variables, links to each other and to the runbook.

import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import type { AnyPanel } from "./panels.ts";
import { PROMETHEUS } from "./panels.ts";

/** Bookmarks and links name them; they must never change. */
export const UIDS = {
  worker: "profile-worker",
  producer: "profile-producer",
  slo: "profile-slo",
} as const;

export type Name = keyof typeof UIDS;

const TITLES: Readonly<Record<Name, string>> = {
  worker: "Profile worker",
  producer: "Profile trigger",
  slo: "Profile promise",
};

/** Where the links to the runbook lead: the repository's own file, unless RUNBOOK_URL says where it is published. */
export const RUNBOOK = process.env["RUNBOOK_URL"] ?? "docs/runbook.md";

export interface Section {
  readonly title: string;
  readonly panels: readonly AnyPanel[];
}

/** The selector of every query of the worker's metrics. */
export const SELECTED = 'job=~"$job", instance=~"$instance"';
/** The selector where instances are already summed up. */
export const SELECTED_JOB = 'job=~"$job"';

export function datasource(name: string, type: string, label: string): dashboard.DatasourceVariableBuilder {
  return new dashboard.DatasourceVariableBuilder(name).type(type).label(label).current({ text: "default", value: "default" });
}

export function labelValues(name: string, label: string, of: string): dashboard.QueryVariableBuilder {
  const query = `label_values(${of}, ${name})`;
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(PROMETHEUS)
    .query({ query, refId: `variable-${name}` })
    .definition(query)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ selected: true, text: "All", value: "$__all" });
}

export function page(
  name: Name,
  description: string,
  from: string,
  variables: readonly Parameters<dashboard.DashboardBuilder["withVariable"]>[0][],
  sections: readonly Section[],
): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(TITLES[name])
    .uid(UIDS[name])
    .description(description)
    .tags(["profile-worker"])
    .timezone("browser")
    .time({ from, to: "now" })
    .refresh("30s")
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .withVariable(datasource("datasource", "prometheus", "Prometheus"));
  variables.forEach((variable) => builder.withVariable(variable));
  for (const other of Object.keys(UIDS) as Name[]) {
    if (other !== name) builder.link(link(TITLES[other], `/d/${UIDS[other]}`, true));
  }
  builder.link(link("Runbook", RUNBOOK, false));
  for (const section of sections) {
    builder.withRow(new dashboard.RowBuilder(section.title));
    section.panels.forEach((panel) => builder.withPanel(panel));
  }
  const built = builder.build();
  // Panels are told apart by their place in the dashboard.
  built.panels?.forEach((panel, index) => (panel.id = index + 1));
  return built;
}

function link(title: string, url: string, within: boolean): dashboard.DashboardLinkBuilder {
  return new dashboard.DashboardLinkBuilder(title)
    .type(dashboard.DashboardLinkType.Link)
    .icon(within ? "dashboard" : "doc")
    .url(url)
    .keepTime(within)
    .includeVars(false)
    .targetBlank(!within);
}
