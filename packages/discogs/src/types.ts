/** The four kinds of records that Discogs publishes. */
export const recordTypes = ['artists', 'labels', 'masters', 'releases'] as const;
export type RecordType = (typeof recordTypes)[number];

export function isRecordType(text: string): text is RecordType {
  return (recordTypes as readonly string[]).includes(text);
}
