export { createEnvelopeReader, type EnvelopeReading, type EnvelopeValue, longestInteger } from './envelope.ts';
export { type Examined, examine, type JsonObject, type JsonValue, parseExcerpt, parseScanned } from './examine.ts';
export { integerText, numberFits } from './number.ts';
export { createScanner, type Member, type MemberKind, type Scan } from './scan.ts';
