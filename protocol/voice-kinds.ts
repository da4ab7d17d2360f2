/** What a provider of each kind of stream has among its capabilities (`wire.md` section 11). Without a schema, for commands. */
export const VOICE_CAPABILITIES = { transcribe: 'voice.transcribe', speak: 'voice.speak' } as const;
/** The kinds of voice streams. */
export type VoiceKind = keyof typeof VOICE_CAPABILITIES;
