// The function that was there already. A pool has one PostConfirmation function, so it sends the confirmation itself, with
// the lines of producer-lambda/README.md, beside what it did before (here: nothing).

export const handler = async (event: unknown): Promise<unknown> => event
