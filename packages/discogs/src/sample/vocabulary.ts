/** Words and catalogue terms of the generated sample. */

/** Some Discogs genres, each with some of its styles. */
export const genres: readonly (readonly [genre: string, styles: readonly string[]])[] = [
  ['Electronic', ['Techno', 'House', 'Deep House', 'Ambient', 'Drum n Bass', 'Minimal', 'Electro', 'Downtempo']],
  ['Rock', ['Alternative Rock', 'Punk', 'Hard Rock', 'Psychedelic Rock', 'Prog Rock', 'Shoegaze']],
  ['Jazz', ['Bop', 'Fusion', 'Free Jazz', 'Cool Jazz', 'Big Band', 'Swing']],
  ['Funk / Soul', ['Disco', 'Soul', 'Funk', 'Rhythm & Blues', 'Gospel']],
  ['Hip Hop', ['Boom Bap', 'Instrumental', 'Conscious', 'Gangsta', 'Trip Hop']],
  ['Reggae', ['Dub', 'Roots Reggae', 'Dancehall', 'Rocksteady', 'Ska']],
  ['Classical', ['Baroque', 'Romantic', 'Modern', 'Contemporary', 'Opera']],
  ['Folk, World, & Country', ['Folk', 'Country', 'Fado', 'Flamenco', 'Highlife']],
  ['Latin', ['Bossanova', 'Salsa', 'Cumbia', 'Tango', 'Bolero']],
  ['Pop', ['Synth-pop', 'Ballad', 'Chanson', 'Schlager', 'Indie Pop']],
];

export const firstWords = [
  ...['Northern', 'Silent', 'Electric', 'Golden', 'Hidden', 'Broken', 'Crystal', 'Velvet', 'Distant', 'Paper'],
  ...['Midnight', 'Señor', 'Café', 'Señora', 'Über', 'Malmö', 'Zürich', 'São', 'Fjällräven', 'Été'],
] as const;

export const secondWords = [
  ...['Orchestra', 'Signals', 'Machine', 'Garden', 'Ensemble', 'Horizon', 'Transmission', 'Foundry', 'Letters', 'Tide'],
  ...[
    'Mirrors',
    'Echoes',
    'Department',
    'Projekt',
    'Collective',
    'Brothers',
    'Sessions',
    'Archive',
    'Weather',
    'Motor',
  ],
] as const;

export const countries = [
  'US',
  'UK',
  'Germany',
  'France',
  'Japan',
  'Sweden',
  'Italy',
  'Brazil',
  'Netherlands',
] as const;
export const formats = ['Vinyl', 'CD', 'Cassette', 'File'] as const;
export const qualities = ['Correct', 'Needs Vote', 'Complete and Correct', 'Needs Minor Changes'] as const;

const sentence =
  'Recorded over two winters in a converted warehouse and mixed on tape. Side B was cut at half speed. ' +
  'All tracks published by the label; distributed worldwide. Thanks to everyone who lent an ear, a chair or a microphone. ';

/** Filler for notes and profiles: plain text without anything that JSON escapes. */
export const filler = sentence.repeat(400);
