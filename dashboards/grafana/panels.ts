// The panels' common form: what every panel must have (title, a description that says what is good, what is bad and what to
// do, a unit, a data source by variable) is an argument here and cannot be forgotten. Must not know any metric.

import type * as cog from "@grafana/grafana-foundation-sdk/cog";
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as heatmap from "@grafana/grafana-foundation-sdk/heatmap";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";

export const PROMETHEUS: common.DataSourceRef = { type: "prometheus", uid: "${datasource}" };
export const CLOUDWATCH: common.DataSourceRef = { type: "cloudwatch", uid: "${cloudwatch}" };

/** The widths of a row of 24: four stats, or two or three charts. */
export const QUARTER = 6;
export const THIRD = 8;
export const HALF = 12;

/** What a panel is for. */
export interface Words {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly span?: number;
}

/** One line of a chart. */
export interface Line {
  readonly expr: string;
  readonly legend: string;
}

export type Colour = "green" | "yellow" | "orange" | "red" | "blue" | "purple" | "text";

/** From which value on which colour; the first begins at nothing. */
export type Steps = readonly (readonly [from: number | null, colour: Colour])[];

export type AnyPanel = cog.Builder<dashboard.Panel>;

function target({ expr, legend }: Line, index: number, instant: boolean): prometheus.DataqueryBuilder {
  const query = new prometheus.DataqueryBuilder()
    .expr(expr.trim())
    .legendFormat(legend)
    .refId(String.fromCharCode("A".charCodeAt(0) + index))
    .datasource(PROMETHEUS);
  return instant ? query.instant() : query.range();
}

function thresholds(steps: Steps): dashboard.ThresholdsConfigBuilder {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(steps.map(([value, color]) => ({ value, color })));
}

/** A chart over time as every one of ours looks, without its queries. */
export function emptyChart(words: Words): timeseries.PanelBuilder {
  return new timeseries.PanelBuilder()
    .title(words.title)
    .description(words.description)
    .unit(words.unit)
    .min(0)
    .span(words.span ?? HALF)
    .height(8)
    .lineWidth(1)
    .fillOpacity(10)
    .showPoints(common.VisibilityMode.Never)
    .legend(
      new common.VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom),
    )
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending));
}

/** Lines over time; `limit` draws a line that must not be crossed. */
export function chart(words: Words, lines: readonly Line[], limit?: number): timeseries.PanelBuilder {
  const panel = emptyChart(words).datasource(PROMETHEUS);
  lines.forEach((line, index) => panel.withTarget(target(line, index, false)));
  return limit === undefined ? panel : withLimit(panel, limit);
}

export function withLimit(panel: timeseries.PanelBuilder, limit: number): timeseries.PanelBuilder {
  return panel
    .thresholds(thresholds([[null, "text"], [limit, "red"]]))
    .thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Line));
}

/** Areas on top of each other, where the sum means something. */
export function stacked(words: Words, lines: readonly Line[]): timeseries.PanelBuilder {
  return chart(words, lines)
    .fillOpacity(40)
    .stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group("A"));
}

/** One number, coloured by what it means. */
export function number(words: Words, line: Line, steps: Steps, decimals?: number): stat.PanelBuilder {
  const panel = new stat.PanelBuilder()
    .title(words.title)
    .description(words.description)
    .unit(words.unit)
    .span(words.span ?? QUARTER)
    .height(4)
    .datasource(PROMETHEUS)
    .withTarget(target(line, 0, true))
    .thresholds(thresholds(steps))
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.None)
    .noValue("nothing yet")
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]));
  return decimals === undefined ? panel : panel.decimals(decimals);
}

/** Values that have a name, such as 0 for closed. */
export function named(names: Readonly<Record<string, { text: string; color: Colour }>>): dashboard.ValueMapping[] {
  const options = Object.fromEntries(Object.entries(names).map(([value, named], index) => [value, { ...named, index }]));
  return [{ type: dashboard.MappingType.ValueToText, options }];
}

/** How often, by bucket and time. The query answers buckets by `le`. */
export function buckets(words: Words, expr: string): heatmap.PanelBuilder {
  const query = target({ expr, legend: "{{le}}" }, 0, false).format(prometheus.PromQueryFormat.Heatmap);
  return new heatmap.PanelBuilder()
    .title(words.title)
    .description(words.description)
    .unit("short")
    .span(words.span ?? HALF)
    .height(8)
    .datasource(PROMETHEUS)
    .withTarget(query)
    .calculate(false)
    .yAxis(new heatmap.YAxisConfigBuilder().unit(words.unit))
    .color(new heatmap.HeatmapColorOptionsBuilder().scheme("Blues").steps(64));
}
