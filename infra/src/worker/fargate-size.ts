// Which sizes a Fargate task can have (ECS developer guide, "Task CPU and memory"). ECS refuses any other pair, but
// only when the stack is deployed.

import type { Problems } from '../problems.ts'

/** Least, most and step of the memory in MiB, by CPU units. */
const MEMORY: Readonly<
  Record<number, { readonly sizes?: readonly number[]; readonly range?: readonly [number, number, number] }>
> = {
  256: { sizes: [512, 1024, 2048] },
  512: { range: [1024, 4096, 1024] },
  1024: { range: [2048, 8192, 1024] },
  2048: { range: [4096, 16_384, 1024] },
  4096: { range: [8192, 30_720, 1024] },
  8192: { range: [16_384, 61_440, 4096] },
  16_384: { range: [32_768, 122_880, 8192] },
}

export function checkSize(cpu: number, memory: number, problems: Problems): void {
  const fits = MEMORY[cpu]
  if (fits === undefined) {
    problems.add('capacity.cpu', `${cpu} is no size of Fargate`, `give one of ${Object.keys(MEMORY).join(', ')}`)
    return
  }
  if (fits.sizes !== undefined) {
    if (fits.sizes.includes(memory)) return
    problems.add(
      'capacity.memory',
      `${memory} MiB do not go with ${cpu} CPU units`,
      `give one of ${fits.sizes.join(', ')}`,
    )
    return
  }
  const [least, most, step] = fits.range ?? [0, 0, 1]
  if (memory >= least && memory <= most && memory % step === 0) return
  problems.add(
    'capacity.memory',
    `${memory} MiB do not go with ${cpu} CPU units`,
    `give ${least} to ${most} in steps of ${step}`,
  )
}
