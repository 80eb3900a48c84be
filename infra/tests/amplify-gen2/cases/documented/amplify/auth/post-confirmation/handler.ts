// Where the documented page writes the profile. What it does is of no interest to the resolvers, which are read here.

export const handler = async (event: unknown): Promise<unknown> => event
