import type { Usage } from '../core/turn.ts';

/** How a turn ended, as the chat API says it. Whatever else an agent says is a stop. */
export function finishReasonOf(finishReason: string): 'stop' | 'length' | 'content_filter' {
  if (finishReason === 'length') return 'length';
  return finishReason === 'refusal' ? 'content_filter' : 'stop';
}

/** What was used, as the chat API says it; zeros where the agent did not say. */
export function usageOf({ input_tokens: prompt = 0, output_tokens: completion = 0, total_tokens: total }: Usage) {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total ?? prompt + completion };
}

/** The same, as the responses API says it. */
export function responseUsageOf({ input_tokens: input = 0, output_tokens: output = 0, total_tokens: total }: Usage) {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: total ?? input + output,
  };
}
