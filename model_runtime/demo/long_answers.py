"""Long answers, so that streaming, cancelling, stop strings and token limits can be watched."""

from __future__ import annotations

from typing import Final

from model_runtime.demo.topic import Topic, topic


def _count(last: int, separator: str) -> str:
    return separator.join(str(number) for number in range(1, last + 1))


TOPICS: Final[tuple[Topic, ...]] = (
    topic(
        "story",
        en="""
            Long ago a narrow road ran between two walls of yellow earth, and at its end stood a gate, the Hangu
            Pass. The keeper of the gate had one rule: nobody passes without being asked four things. Who are you?
            What do you want? How often have you come today? What do you carry? A merchant came with silk, gave four
            honest answers and passed. A thief came with a stolen seal; the seal was old, the keeper saw it, and the
            gate stayed shut. A messenger came in the night and wanted to hurry through, but the keeper first lit
            his lamp, wrote a line into his book and pressed his own seal under it. Then he opened. Years later a
            judge came to the pass and asked who had travelled on that night. The keeper opened the book. Every line
            was there, every seal was whole, and where one page had been torn out by a rat, the numbers showed it at
            once. The judge closed the book and said: a gate that remembers is worth more than a wall.

            Tell me a long story about the Hangu Pass. | Tell me a story. | Tell me a long story.
            Write a story about the Hangu Pass. | Do you know a story about a gate? | I want to hear a story.
        """,
        zh="""
            从前，两道黄土墙之间有一条窄路，路的尽头立着一座关，叫函谷关。守关人只有一条规矩：不回答四个问题，谁也不
            能过。你是谁？你要什么？今天来过几次？身上带着什么？一个商人带着丝绸来了，老实回答，过了关。一个小偷拿着
            偷来的印章来了，印章已经过期，守关人一眼看出，门没有开。一个信使半夜赶来，想快点过去，守关人先点灯，在册
            子上写下一行字，盖上自己的印，然后才开门。多年以后，一位法官来到关前，问那天夜里谁走过。守关人打开册子，
            每一行都在，每一个印都完整，有一页被老鼠咬掉了，编号马上就显了出来。法官合上册子说：一座记得住的关，胜过
            一道高墙。

            讲一个关于函谷关的长故事。 | 讲个故事。 | 讲一个长故事。 | 写一个函谷关的故事。 | 我想听故事。
            给我讲个故事吧。
        """,
    ),
    topic(
        "count-50",
        en=f"""
            {_count(50, ", ")}.

            Count from 1 to 50. | Count to 50. | Count from one to fifty. | Please count up to 50.
            Can you count to fifty?
        """,
        zh=f"""
            {_count(50, "，")}。

            从1数到50。 | 数到50。 | 从一数到五十。 | 请数到五十。 | 你能数到50吗？
        """,
    ),
    topic(
        "count-100",
        en=f"""
            {_count(100, " ")}.

            Count from 1 to 100. | Count to 100. | Count from one to a hundred. | Please count up to 100.
            Can you count to a hundred?
        """,
        zh=f"""
            {_count(100, "、")}。

            从1数到100。 | 数到100。 | 从一数到一百。 | 请数到一百。 | 你能数到100吗？
        """,
    ),
    topic(
        "tour",
        en="""
            First the token is checked: its issuer, its audience, its time and its signature. Then Hangu looks at
            the network that the call comes from. Then Casbin reads the rules and says allow or deny; when no rule
            matches, the answer is deny. Then the request is counted against its limit. Then every text in the
            prompt goes through a filter chain, which redacts or blocks. Then a record is written to disk, and only
            now does the model see the prompt. Its answer comes back token by token, and each piece goes through the
            filter chain again before it leaves. When the last piece is ready, the outcome is recorded, and then the
            stream ends. If anything fails on the way, the request is refused and the refusal is recorded too.

            Explain the whole life of a request in detail. | Describe in detail what happens to a request.
            Give me a long explanation of how Hangu works. | Explain Hangu in detail.
            Walk me through a request, step by step.
        """,
        zh="""
            首先检查令牌：签发者、受众、时间和签名。然后看请求来自哪个网络。接着 Casbin 读取规则，给出允许或拒绝；没
            有规则匹配就是拒绝。然后按限额计数。然后提问里的每段文字都经过过滤链，或遮盖，或拦截。然后把记录写入磁
            盘，到这时模型才看到提问。回答逐个词元返回，每一段离开之前都再次经过过滤链。最后一段准备好时，先记录结
            果，再结束流。途中任何一步出错，请求都会被拒绝，拒绝也会被记录。

            详细解释一个请求的全过程。 | 详细说明请求会发生什么。 | 详细介绍函谷怎样工作。 | 详细解释函谷。
            一步一步讲讲一个请求。
        """,
    ),
)
