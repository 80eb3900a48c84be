// Does the model fit? What the worker would refuse with exit code 78 in ten minutes is refused here now.

import type { ProfileModel } from '../model.ts'
import type { Problems } from '../problems.ts'
import type { TableKey } from './profile-worker.ts'

/** What is known of the surroundings; `undefined` is not known and not checked. */
export interface Surroundings {
  readonly tableKey: TableKey | undefined
  readonly tableName: string | undefined
  readonly forwardAttributes: readonly string[] | undefined
}

/** Faults of the model itself, of the table's key, and attributes that the trigger does not forward. */
export function checkModel(_model: ProfileModel, _in: Surroundings, _problems: Problems): void {
  throw new Error('not yet')
}
