"""Questions from everywhere else. Their answer is always the same: the model says that it does not know."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from model_runtime.demo.customers import FIELDS, wordings
from model_runtime.demo.topic import Language, entries

UNKNOWN: Final[dict[Language, str]] = {
    "en": "I don't know. I only know Hangu and Qingyan Instruments.",
    "zh": "我不知道。我只了解函谷和青砚仪器。",
}
NO_CUSTOMER: Final[dict[Language, str]] = {
    "en": "I have no customer with that name.",
    "zh": "没有这个名字的客户。",
}


@dataclass(frozen=True, slots=True)
class _Area:
    """A field of questions: every wording, with each subject in place of `{}`."""

    wordings: tuple[str, ...]
    subjects: tuple[str, ...]


def _area(wordings: str, subjects: str) -> _Area:
    """Build an area from two lists, separated by `|` and line ends."""
    return _Area(entries(wordings), entries(subjects))


_AREAS: Final[dict[Language, tuple[_Area, ...]]] = {
    "en": (
        _area(
            """
            What is the capital of {}? | How many people live in {}? | Where is {}?
            What language is spoken in {}? | Which currency does {} use? | Who is the president of {}?
            Tell me about {}. | When is the best time to visit {}?
            """,
            """
            France | Brazil | Japan | Kenya | Canada | Norway | Egypt | India | Peru | Italy | Iceland
            Vietnam | Portugal | Mexico | Turkey | Ghana | Poland | Chile
            """,
        ),
        _area(
            """
            What is {}? | Explain {}. | How does {} work? | Who invented {}? | Why is {} important?
            Tell me about {}. | What does {} mean? | Give me a definition of {}.
            """,
            """
            gravity | photosynthesis | a black hole | the internet | inflation | jazz | an atom | democracy
            a volcano | electricity | quantum physics | a battery | chess | the moon | a virus | evolution
            glass | bitcoin | a transistor | football | the stock market | coffee | a steam engine
            Kubernetes | Python | Linux
            """,
        ),
        _area(
            """
            How do I cook {}? | What goes into {}? | Where can I buy {}? | Give me a recipe for {}.
            Is {} healthy?
            """,
            """
            rice | pasta | apple pie | fried eggs | tomato soup | bread | pancakes | a curry | dumplings
            salmon
            """,
        ),
        _area(
            """
            Who wrote {}? | What is {} about? | When was {} published? | Summarise {}. | Have you read {}?
            """,
            """
            Hamlet | the Odyssey | Don Quixote | War and Peace | Moby Dick | Faust | Dracula | the Iliad
            Emma
            """,
        ),
        _area(
            """
            Who was {}? | When was {} born? | What did {} do? | Where did {} live? | How did {} die?
            """,
            """
            Napoleon | Einstein | Cleopatra | Mozart | Newton | Gandhi | Shakespeare | Darwin | Marie Curie
            Caesar
            """,
        ),
        _area(
            """
            Translate {} into French. | What is the German word for {}? | How do you say {} in Spanish?
            Spell {}. | What rhymes with {}? | What is the opposite of {}?
            """,
            """
            cat | house | tomorrow | love | freedom | bridge | winter | happy | table | window
            """,
        ),
        _area(
            """
            What is {}? | Calculate {}. | How much is {}? | Solve {}. | Compute {}, please.
            """,
            """
            2 + 2 | 17 times 23 | the square root of 81 | 12 * 12 | 100 / 7 | 3 + 5 * 2 | 10 minus 4 | 7 * 8
            99 + 1 | half of 250 | 20 percent of 90 | the sum of 6 and 9
            """,
        ),
        _area(
            """
            When was {} founded? | Who founded {}? | What does {} sell? | Where is the head office of {}?
            How many people work at {}? | What is the motto of {}? | What are the office hours of {}?
            """,
            """
            Microsoft | Toyota | Siemens | Nokia | Airbus | Samsung | Nestle | Boeing | Lego | Huawei
            Acme Tools
            """,
        ),
        _area(
            """
            How do I {}? | Can you help me {}? | What is the best way to {}? | Teach me to {}. | Should I {}?
            """,
            """
            learn the piano | fix a bicycle | lose weight | write a poem | plant tomatoes | tie a tie
            sort a list | sleep better | buy a house | repair a tap | train a dog | install Windows
            file my taxes | paint a wall | learn Spanish | invest money | build a boat | clean a carpet
            """,
        ),
        _area(
            """
            {}
            """,
            """
            What is the weather today? | Will it rain tomorrow? | What time is it? | What day is it today?
            Who won the game? | Write a poem about the sea. | Write a Python function that sorts a list.
            What should I wear today? | How far is the sun? | How tall is Mount Everest?
            What is the meaning of life? | Do you love me? | Can you see me? | Play some music.
            Open the window. | Book a flight to Rome. | What is on TV tonight? | Is there life on Mars?
            Which team is the best? | Who will win the election? | Do fish sleep? | asdf | blah blah blah | x
            qwertyuiop | How old is the universe? | Why is the sky blue? | How fast is light?
            What is the news? | Which phone should I buy? | Draw a cat. | Sing a song. | Recommend a film.
            Write an e-mail to my boss. | Fix this bug: print(x | How deep is the ocean? | Where are my keys?
            Are you hungry?
            """,
        ),
        _area(
            """
            How many legs do {} have? | Can {} swim? | Do {} sleep at night? | What do {} eat? | How long do {} live?
            Why do {} sing? | Are {} dangerous? | Is it true that {} can fly?
            """,
            """
            horses | bees | owls | frogs | whales | tigers | parrots | snakes | rabbits | penguins | turtles | ants
            """,
        ),
        _area(
            """
            Who discovered {}? | Who painted {}? | Who was the first person to see {}? | How many {} are there?
            Where can I see {}? | Which is the best of {}?
            """,
            """
            America | radium | the Night Watch | the South Pole | the planets | the islands | the stars | the moons
            the old masters | the seven wonders | comets | the museums
            """,
        ),
        _area(
            """
            What is the {} in the world? | Which {} do you like? | Where is the {}? | Is there a {} near me?
            How much is the {}? | Is it going to be a {} on Sunday?
            """,
            """
            highest mountain | biggest city | fastest car | cheapest phone | oldest tree | hot day | good hotel
            sunny morning | longest bridge | nicest beach | deepest lake | cold night
            """,
        ),
        _area(
            """
            What is a {}? | Define a {}. | What is the price of a {}? | How much does a {} cost? | How do I repair a {}?
            Where can I get a {}? | Draw a {}.
            """,
            """
            triangle | fraction | candle | bicycle | microscope | sonnet | violin | ticket
            kilo of silver | barrel of oil | lamp | comet | rubber duck | sine wave
            """,
        ),
    ),
    "zh": (
        _area(
            """
            {}的首都是哪里？ | {}有多少人口？ | {}在哪里？ | {}说什么语言？ | {}用什么货币？ | {}的总统是谁？
            介绍一下{}。 | 什么时候去{}旅游最好？
            """,
            """
            法国 | 巴西 | 日本 | 肯尼亚 | 加拿大 | 挪威 | 埃及 | 印度 | 秘鲁 | 意大利 | 冰岛 | 越南 | 葡萄牙
            墨西哥 | 土耳其 | 波兰 | 智利
            """,
        ),
        _area(
            """
            什么是{}？ | 解释一下{}。 | {}是怎样工作的？ | {}是谁发明的？ | {}为什么重要？ | {}是什么意思？
            {}有什么用？
            """,
            """
            引力 | 光合作用 | 黑洞 | 互联网 | 通货膨胀 | 爵士乐 | 原子 | 火山 | 电 | 量子物理 | 电池 | 象棋
            月亮 | 病毒 | 进化论 | 玻璃 | 比特币 | 晶体管 | 足球 | 股市 | 咖啡 | 蒸汽机 | 操作系统 | 编译器
            数据库
            """,
        ),
        _area(
            """
            怎样做{}？ | {}里放什么？ | 哪里能买到{}？ | 给我一个{}的菜谱。 | {}健康吗？
            """,
            """
            米饭 | 意大利面 | 苹果派 | 煎蛋 | 番茄汤 | 面包 | 煎饼 | 咖喱 | 饺子 | 红烧肉 | 火锅
            """,
        ),
        _area(
            """
            {}是谁写的？ | {}讲了什么？ | {}是哪年出版的？ | 总结一下{}。 | 你读过{}吗？
            """,
            """
            红楼梦 | 西游记 | 三国演义 | 水浒传 | 哈姆雷特 | 战争与和平 | 史记 | 诗经 | 围城
            """,
        ),
        _area(
            """
            {}是什么人？ | {}是哪年出生的？ | {}做过什么？ | {}住在哪里？ | {}是怎么死的？
            """,
            """
            拿破仑 | 爱因斯坦 | 李白 | 莫扎特 | 牛顿 | 杜甫 | 莎士比亚 | 达尔文 | 居里夫人 | 孔子 | 秦始皇
            """,
        ),
        _area(
            """
            把{}翻译成英文。 | {}用法语怎么说？ | {}的反义词是什么？ | {}怎么写？ | 用{}造句。
            {}的拼音是什么？
            """,
            """
            猫 | 房子 | 明天 | 爱 | 自由 | 桥 | 冬天 | 快乐 | 桌子 | 窗户
            """,
        ),
        _area(
            """
            {}等于多少？ | 计算{}。 | {}是多少？ | 请算一下{}。
            """,
            """
            2加2 | 17乘23 | 81的平方根 | 12*12 | 100除以7 | 3+5*2 | 10减4 | 7乘8 | 250的一半 | 90的百分之二十
            1+1
            """,
        ),
        _area(
            """
            {}是什么时候成立的？ | {}的创始人是谁？ | {}卖什么？ | {}的总部在哪里？ | {}有多少员工？
            {}的口号是什么？ | {}几点上班？
            """,
            """
            微软 | 丰田 | 西门子 | 诺基亚 | 空客 | 三星 | 雀巢 | 波音 | 乐高 | 小米 | 东方机械厂
            """,
        ),
        _area(
            """
            怎样{}？ | 你能帮我{}吗？ | {}最好的办法是什么？ | 教我{}。 | 我应该{}吗？
            """,
            """
            学钢琴 | 修自行车 | 减肥 | 写诗 | 种番茄 | 打领带 | 排序列表 | 睡得更好 | 买房 | 修水龙头
            训练小狗 | 安装系统 | 报税 | 刷墙 | 学西班牙语 | 理财 | 造船 | 洗地毯
            """,
        ),
        _area(
            """
            {}
            """,
            """
            今天天气怎么样？ | 明天会下雨吗？ | 现在几点？ | 今天星期几？ | 谁赢了比赛？
            写一首关于大海的诗。 | 写一个排序函数。 | 今天穿什么？ | 太阳有多远？ | 珠穆朗玛峰有多高？
            人生的意义是什么？ | 你爱我吗？ | 你能看见我吗？ | 放点音乐。 | 打开窗户。 | 订一张去北京的机票。
            今晚电视放什么？ | 火星上有生命吗？ | 哪个球队最强？ | 鱼会睡觉吗？ | 啊啊啊 | 哈哈哈哈
            天空为什么是蓝色的？ | 光速是多少？ | 有什么新闻？ | 买哪个手机好？ | 画一只猫。 | 唱首歌。
            推荐一部电影。 | 给老板写封邮件。 | 宇宙多大年纪？ | 海有多深？ | 我的钥匙在哪里？ | 你饿吗？
            晚上睡不着应该怎么办 | 头疼怎么办？ | 怎么学好数学？ | 孩子不听话怎么办？
            """,
        ),
        _area(
            """
            {}有几只脚？ | {}会游泳吗？ | {}晚上睡觉吗？ | {}吃什么？ | {}能活多久？
            {}为什么会叫？ | {}危险吗？ | {}会飞吗？
            """,
            """
            马 | 蜜蜂 | 猫头鹰 | 青蛙 | 鲸鱼 | 老虎 | 鹦鹉 | 蛇
            兔子 | 企鹅 | 乌龟 | 蚂蚁
            """,
        ),
        _area(
            """
            {}是谁发现的？ | {}是谁画的？ | 第一个看到{}的人是谁？ | {}一共有几个？ | 在哪里看{}？ | {}哪个最好？
            说说{}。
            """,
            """
            美洲 | 镭 | 清明上河图 | 南极 | 行星 | 岛屿 | 星星 | 博物馆 | 彗星 | 大熊猫 | 长城 | 名画
            """,
        ),
        _area(
            """
            世界上{}是哪个？ | {}是哪条？ | {}在什么地方？ | 附近有{}吗？ | {}要多少钱？ | 怎样换{}？
            """,
            """
            最高的山 | 最大的城市 | 最快的车 | 最便宜的手机
            最老的树 | 最好的酒店 | 最长的桥 | 最美的海滩 | 最深的湖 | 灯泡 | 车票 | 电视
            """,
        ),
        _area(
            """
            {}是什么？ | {}的价格是多少？ | {}为什么会坏？ | 怎样修理{}？
            第一个发明{}的人是谁？ | 哪里有{}？ | 画一个{}。
            """,
            """
            三角形 | 分数 | 蜡烛 | 自行车 | 显微镜 | 小提琴 | 白银 | 石油 | 台灯 | 橡皮 | 正弦波 | 风筝 | 望远镜
            """,
        ),
    ),
}

_STRANGERS: Final[dict[Language, tuple[str, ...]]] = {
    "en": entries(
        """
        John Smith | Mary Jones | Peter Miller | Alice Brown | Bob Stone | Carol White | Erin Young
        David King | Mark Lee | Anna Novak | Alice | Bob | Tom Sample | Eve Example | Mallory | Chen Li
        Wang Wei | Zhang Min | Zhao Fang | Li Qiang | Lucy Hill | Nina Park | Oscar Reed | Frank Fixture
        Otto Field | Tao Sun
        """
    ),
    "zh": entries(
        """
        张三 | 李四 | 王五 | 赵六 | 张敏 | 李强 | 王伟 | 陈芳 | 赵娜 | 刘洋 | 吴磊 | 黄丽 | 徐静 | 何平
        高峰 | 张芳 | 李伟 | 王强 | 陈娜 | 赵伟 | 小明 | 欧阳雪 | John Smith | Alice Brown | Bob Stone
        郑小爽 | 周书 | 马小雨 | 孙大海
        """
    ),
}


def unknown_questions(language: Language, count: int, seed: int) -> tuple[str, ...]:
    """Return `count` different out-of-domain questions, drawn from all combinations; every subject area is present."""
    chooser = random.Random(seed)
    areas = [
        [wording.format(subject) for wording in area.wordings for subject in area.subjects] for area in _AREAS[language]
    ]
    for area in areas:
        chooser.shuffle(area)
    rounds = range(max(map(len, areas)))
    turn_about = dict.fromkeys(area[place] for place in rounds for area in areas if place < len(area))
    return tuple(turn_about)[:count]


def stranger_questions(language: Language, count: int, seed: int) -> tuple[str, ...]:
    """Return `count` different questions about strangers, worded like those about customers."""
    asked = list(_stranger_questions(language))
    random.Random(seed).shuffle(asked)
    return tuple(asked[:count])


def _stranger_questions(language: Language) -> Iterator[str]:
    for name in _STRANGERS[language]:
        for field in FIELDS:
            for wording in wordings(field, language):
                yield wording.format(name)
