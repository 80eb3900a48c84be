// The forms of a widget (CloudWatch API reference, "Dashboard Body Structure and Syntax"), and their places in rows of a
// grid that is 24 columns wide. Knows nothing of what is shown.

import type { Metric } from './metrics.ts'

/** A line of a graph. */
export interface Line {
  readonly label: string
  readonly metric?: Metric
  readonly stat?: string
  readonly color?: string
  /** Metric math over the lines that have an id. */
  readonly expression?: string
  readonly id?: string
  /** Only there to be calculated with. */
  readonly hidden?: boolean
}

export interface Graph {
  readonly title: string
  /** What the axis counts. */
  readonly unit: string
  readonly lines: readonly Line[]
  readonly stacked?: boolean
  readonly period?: number
  readonly max?: number
  readonly view?: 'timeSeries' | 'singleValue'
  readonly limit?: { readonly label: string; readonly value: number }
}

export interface Content {
  readonly type: 'text' | 'alarm' | 'metric' | 'log'
  readonly properties: Record<string, unknown>
}

export interface Widget extends Content {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

const WIDTH = 24

export const markdown = (text: string): Content => ({ type: 'text', properties: { markdown: text, background: 'transparent' } })

export const states = (title: string, arns: readonly string[]): Content => ({
  type: 'alarm',
  properties: { title, alarms: arns },
})

export const log = (region: string, title: string, group: string, query: string, view: string): Content => ({
  type: 'log',
  properties: { title, region, view, query: `SOURCE '${group}' | ${query}` },
})

/** All of a graph's lines, in the array form that the body wants. */
export function graph(region: string, { title, unit, lines, stacked, period, max, view, limit }: Graph): Content {
  const drawn = lines.map(({ label, metric, stat, color, expression, id, hidden }) => {
    const options = {
      label,
      ...(color === undefined ? {} : { color }),
      ...(id === undefined ? {} : { id }),
      ...(hidden === true ? { visible: false } : {}),
    }
    if (metric === undefined) return [{ ...options, expression }]
    const dimensions = metric.dimensions.flatMap(({ name, value }) => [name, value])
    return [metric.namespace, metric.metricName, ...dimensions, { ...options, stat: stat ?? 'Sum' }]
  })
  return {
    type: 'metric',
    properties: {
      title,
      region,
      view: view ?? 'timeSeries',
      stacked: stacked ?? false,
      period: period ?? 60,
      metrics: drawn,
      yAxis: { left: { label: unit, showUnits: false, min: 0, ...(max === undefined ? {} : { max }) } },
      ...(limit === undefined ? {} : { annotations: { horizontal: [limit] } }),
    },
  }
}

/** One row under another; in a row, all have the same width. */
export function grid(rows: readonly { readonly height: number; readonly of: readonly Content[] }[]): readonly Widget[] {
  let y = 0
  return rows.flatMap(({ height, of }) => {
    const width = WIDTH / of.length
    const row = of.map((content, i) => ({ ...content, x: i * width, y, width, height }))
    y += height
    return row
  })
}
