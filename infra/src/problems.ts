// What is wrong with a construct's props, all of it in one error: who deploys once in ten minutes wants to know every
// fault at once. Each names the prop, the fault and the mend, in the worker's own manner.

import type { Construct } from 'constructs'

/** Collects what is wrong; {@link Problems.end} throws it. */
export class Problems {
  readonly #of: Construct
  readonly #found: string[] = []

  constructor(of: Construct) {
    this.#of = of
  }

  /** `fault` and `mend` are halves of one sentence: "`prop`: fault; mend". */
  add(prop: string, fault: string, mend: string): void {
    this.#found.push(`${prop}: ${fault}; ${mend}`)
  }

  /** How many there are so far. */
  get count(): number {
    return this.#found.length
  }

  /** Throws if anything was found: to be called before the first resource is made. */
  end(): void {
    if (this.#found.length === 0) return
    const lines = this.#found.map((line) => `  - ${line}`).join('\n')
    throw new Error(`${this.#of.node.path} cannot be made:\n${lines}`)
  }
}
