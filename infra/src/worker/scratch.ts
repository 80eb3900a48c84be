// A place on disk for jobs whose root file system is read-only. It ends with the task: what must not be lost goes to a
// bucket, and a job that would lose a backup gets no such place.

import type * as ecs from 'aws-cdk-lib/aws-ecs'

/**
 * Where it is mounted, and the job's working directory. A volume of Fargate's ephemeral storage belongs to root with mode
 * 0755, unless the image names the same path in VOLUME: then owner and mode are the image's (ECS developer guide, "Use
 * bind mounts"). The image of this project does, for its user 65532; an image of one's own must too.
 */
export const SCRATCH_PATH = '/work'

const VOLUME = 'scratch'

/** For files that are given no name: spooled lists, for one. */
export const SCRATCH_ENVIRONMENT = { TMPDIR: SCRATCH_PATH } as const

/** Mounts one. The container must have {@link SCRATCH_PATH} as its working directory. */
export function addScratch(task: ecs.TaskDefinition, container: ecs.ContainerDefinition): void {
  task.addVolume({ name: VOLUME })
  container.addMountPoints({ sourceVolume: VOLUME, containerPath: SCRATCH_PATH, readOnly: false })
}
