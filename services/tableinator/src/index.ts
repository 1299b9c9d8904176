export { wire } from './wiring.ts';
