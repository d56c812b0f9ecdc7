"""Chat through the OpenAI SDK: one question, the answer as it streams.

HANGU_TOKEN=$(python examples/get_token.py user) python examples/chat.py "What is Hangu?" [BASE_URL]
"""

from __future__ import annotations

import os
import sys

from openai import OpenAI

if __name__ == "__main__":
    if len(sys.argv) not in {2, 3} or "HANGU_TOKEN" not in os.environ:
        sys.exit(__doc__)
    base_url = sys.argv[2] if len(sys.argv) == 3 else "http://127.0.0.1:8000"
    with OpenAI(base_url=f"{base_url}/v1", api_key=os.environ["HANGU_TOKEN"]) as client:
        stream = client.chat.completions.create(
            model="chatglm3-demo", messages=[{"role": "user", "content": sys.argv[1]}], stream=True
        )
        for chunk in stream:
            print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()
