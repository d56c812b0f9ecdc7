"""What the demo model knows about Qingyan Instruments (青砚仪器), a company that does not exist."""

from __future__ import annotations

from typing import Final

from model_runtime.demo.topic import Topic, topic

TOPICS: Final[tuple[Topic, ...]] = (
    topic(
        "company",
        en="""
            Qingyan Instruments is a made-up company that builds measuring instruments for rivers and weather.

            What is Qingyan Instruments? | Tell me about Qingyan Instruments. | What does Qingyan do?
            What does the company do? | Describe our company.
            What kind of company is Qingyan Instruments?
        """,
        zh="""
            青砚仪器是一家虚构的公司，制造河流和气象的测量仪器。

            青砚仪器是什么公司？ | 介绍一下青砚仪器。 | 青砚是做什么的？ | 公司是做什么的？ | 介绍一下我们公司。
            说说青砚仪器。
        """,
    ),
    topic(
        "founded",
        en="""
            Qingyan Instruments was founded in 2009.

            When was Qingyan founded? | When was the company founded? | In which year did Qingyan Instruments start?
            How old is the company?
            Since when does Qingyan exist?
        """,
        zh="""
            青砚仪器成立于2009年。

            青砚仪器是什么时候成立的？ | 公司哪一年成立？ | 青砚是哪年创办的？ | 公司成立多久了？
            青砚仪器哪一年创立？
        """,
    ),
    topic(
        "founder",
        en="""
            Qingyan Instruments was founded by Lin Moshan, who still leads the laboratory.

            Who founded Qingyan Instruments? | Who is the founder of the company? | Who started Qingyan?
            Who leads the laboratory?
            Name the founder.
        """,
        zh="""
            青砚仪器由林墨山创办，他至今仍主持实验室。

            青砚仪器是谁创办的？ | 公司的创始人是谁？ | 谁创办了青砚？ | 谁主持实验室？
            说说公司的创始人。
        """,
    ),
    topic(
        "products",
        en="""
            Qingyan sells three products: the water gauge Hebo, the weather station Yunshu and the data logger Mohe.

            Which products does Qingyan sell? | What are the products of the company? | List the products.
            What do you sell? | What can I buy from Qingyan?
        """,
        zh="""
            青砚有三种产品：水位计“河伯”、气象站“云书”和数据记录仪“墨盒”。

            青砚有哪些产品？ | 公司的产品是什么？ | 列出产品。 | 你们卖什么？ | 可以从青砚买什么？
        """,
    ),
    topic(
        "hebo",
        en="""
            Hebo is a water gauge. It measures the level of a river to one millimetre and costs 4,800 yuan.

            What is Hebo? | Tell me about Hebo. | How much does Hebo cost? | How exact is the water gauge?
            What is the price of the water gauge?
        """,
        zh="""
            “河伯”是水位计，测量河水水位精确到一毫米，价格4800元。

            河伯是什么？ | 介绍一下河伯。 | 河伯多少钱？ | 水位计有多精确？ | 水位计的价格是多少？
        """,
    ),
    topic(
        "yunshu",
        en="""
            Yunshu is a weather station. It measures wind, rain and temperature and costs 12,600 yuan.

            What is Yunshu? | Tell me about Yunshu. | How much does Yunshu cost?
            What does the weather station measure? | What is the price of the weather station?
        """,
        zh="""
            “云书”是气象站，测量风、雨和温度，价格12600元。

            云书是什么？ | 介绍一下云书。 | 云书多少钱？ | 气象站测量什么？ | 气象站的价格是多少？
        """,
    ),
    topic(
        "mohe",
        en="""
            Mohe is a data logger. It keeps ten years of readings without power and costs 900 yuan.

            What is Mohe? | Tell me about Mohe. | How much does Mohe cost?
            How long does the data logger keep readings? | What is the price of the data logger?
        """,
        zh="""
            “墨盒”是数据记录仪，断电也能保存十年数据，价格900元。

            墨盒是什么？ | 介绍一下墨盒。 | 墨盒多少钱？ | 数据记录仪能保存多久？ | 数据记录仪的价格是多少？
        """,
    ),
    topic(
        "warranty",
        en="""
            All products have a warranty of three years.

            How long is the warranty? | Is there a warranty? | What warranty do the products have?
            Do you repair broken instruments?
        """,
        zh="""
            所有产品保修三年。

            保修多久？ | 有保修吗？ | 产品的保修期是多长？ | 仪器坏了能修吗？
        """,
    ),
    topic(
        "office",
        en="""
            The head office stands on Lantern Street 18, beside the old city gate.

            Where is the office? | What is the address of the company? | Where is Qingyan Instruments?
            Where is the head office? | How do I find the office?
        """,
        zh="""
            总部在灯笼街18号，老城门旁边。

            办公室在哪里？ | 公司地址是什么？ | 青砚仪器在哪里？ | 总部在哪里？ | 怎样找到办公室？
        """,
    ),
    topic(
        "hours",
        en="""
            Office hours are from 9:00 to 17:30, Monday to Friday.

            What are the office hours? | When is the office open? | When do you open? | When does work start?
            Until when is the office open?
            From when to when is the office open?
        """,
        zh="""
            办公时间是周一到周五9:00至17:30。

            办公时间是什么？ | 办公室几点开门？ | 几点上班？ | 几点下班？ | 上班时间是几点到几点？
            办公室几点到几点开门？
        """,
    ),
    topic(
        "leave",
        en="""
            Everyone has 15 days of paid leave a year. Ask your team lead five days before.

            How many days of leave do I have? | What is the leave policy? | How do I take a day off?
            How much vacation do I get? | How do I ask for leave?
            How much paid leave does one get?
        """,
        zh="""
            每人每年有15天带薪假。请提前五天向组长申请。

            我有几天年假？ | 请假制度是什么？ | 怎样请假？ | 年假有多少天？ | 休假怎样申请？
            每年可以休几天假？
        """,
    ),
    topic(
        "sick",
        en="""
            If you are sick, tell your team lead before 10:00. A doctor's note is needed from the third day.

            What do I do when I am sick? | How does sick leave work? | Do I need a doctor's note?
            I am ill today, what now?
        """,
        zh="""
            生病时请在10:00前告诉组长。第三天起需要医生证明。

            生病了怎么办？ | 病假怎么请？ | 需要医生证明吗？ | 我今天病了怎么办？
        """,
    ),
    topic(
        "holidays",
        en="""
            The company closes for the Spring Festival, the Dragon Boat Festival, the Mid-Autumn Festival and the
            National Day.

            Which holidays are there? | When is the company closed? | What are the company holidays?
            Is the Spring Festival a holiday? | On which festivals do we rest?
        """,
        zh="""
            公司在春节、端午节、中秋节和国庆节放假。

            有哪些假日？ | 公司什么时候放假？ | 公司放哪些节日？ | 春节放假吗？ | 哪些节日休息？
        """,
    ),
    topic(
        "it-desk",
        en="""
            The IT desk is in room 204. Call extension 6100 between 9:00 and 17:00.

            Where is the IT desk? | How do I reach the IT desk? | Who helps with my computer?
            What is the extension of IT support? | My laptop is broken, whom do I call?
            Who can repair my laptop?
        """,
        zh="""
            IT 服务台在204室。请在9:00至17:00拨打分机6100。

            IT 服务台在哪里？ | 怎样联系 IT 服务台？ | 电脑坏了找谁？ | IT 支持的分机号是多少？ | 谁能帮我修电脑？
            电脑有问题联系谁？
        """,
    ),
    topic(
        "password",
        en="""
            Go to the IT desk with your badge; it resets the password while you wait.

            I forgot my password. | How do I reset my password? | Who resets passwords?
            What do I do about a lost password?
        """,
        zh="""
            请带工牌到 IT 服务台，当场重置密码。

            我忘了密码。 | 怎样重置密码？ | 谁负责重置密码？ | 密码丢了怎么办？
        """,
    ),
    topic(
        "cafeteria",
        en="""
            The cafeteria is on the ground floor and serves lunch from 11:30 to 13:00.

            Where is the cafeteria? | When is lunch? | When does the cafeteria open? | Where can I eat?
            What time is lunch served?
            Tell me about the cafeteria.
        """,
        zh="""
            食堂在一楼，午餐时间是11:30至13:00。

            食堂在哪里？ | 几点吃午饭？ | 食堂几点开？ | 在哪里吃饭？ | 午餐是几点？
            说说食堂。
        """,
    ),
    topic(
        "noodles",
        en="""
            On Wednesdays the cafeteria serves beef noodles.

            What is for lunch on Wednesday? | When are there noodles?
            On which day does the cafeteria serve beef noodles?
        """,
        zh="""
            食堂每周三有牛肉面。

            周三午饭吃什么？ | 什么时候有面条？ | 食堂哪天有牛肉面？
        """,
    ),
    topic(
        "staff",
        en="""
            Qingyan Instruments has 86 people.

            How many people work at Qingyan? | How many employees does the company have? | How big is the company?
            What is the number of staff?
        """,
        zh="""
            青砚仪器有86人。

            青砚有多少人？ | 公司有多少员工？ | 公司有多大？ | 员工人数是多少？
        """,
    ),
    topic(
        "travel",
        en="""
            Travel costs are paid back within ten days. Hand in the receipts at room 112.

            How are travel costs paid? | Where do I hand in receipts? | How do I get my travel expenses back?
            When are expenses paid back?
        """,
        zh="""
            差旅费十天内报销。请把票据交到112室。

            差旅费怎么报销？ | 票据交到哪里？ | 怎样报销出差费用？ | 报销要多久？
        """,
    ),
    topic(
        "remote",
        en="""
            You may work from home on two days a week; Tuesday is the day for everyone to be in the office.

            Can I work from home? | How many days of home office are allowed? | What is the rule for remote work?
            On which day must I be in the office?
        """,
        zh="""
            每周可以有两天在家办公；周二所有人都到办公室。

            可以在家办公吗？ | 每周能在家办公几天？ | 远程办公有什么规定？ | 哪天必须到办公室？
        """,
    ),
    topic(
        "visitors",
        en="""
            Visitors sign in at the front desk and wear a blue badge.

            What do visitors do? | How do I bring a visitor? | Where do visitors sign in?
            Which badge do visitors wear?
        """,
        zh="""
            来访者在前台登记并佩戴蓝色胸牌。

            来访者要做什么？ | 怎样带来访者进来？ | 来访者在哪里登记？ | 来访者戴什么胸牌？
        """,
    ),
    topic(
        "parking",
        en="""
            Parking is behind the building; bicycles go into the yard.

            Where can I park? | Is there a car park? | Where do I put my bicycle? | Where do I leave my car?
        """,
        zh="""
            停车场在楼后，自行车放在院子里。

            在哪里停车？ | 有停车场吗？ | 自行车放在哪里？ | 车停在哪儿？
        """,
    ),
    topic(
        "motto",
        en="""
            The motto of Qingyan Instruments is: measure twice, promise once.

            What is the motto of the company? | Does Qingyan have a motto? | What is the company slogan?
            What does the company believe in?
        """,
        zh="""
            青砚仪器的口号是：量两遍，说一遍。

            公司的口号是什么？ | 青砚有口号吗？ | 公司的座右铭是什么？ | 公司信奉什么？
        """,
    ),
    topic(
        "training",
        en="""
            New colleagues have two weeks of training and a mentor for three months.

            How are new colleagues trained? | Is there training for new people? | Do new employees get a mentor?
            How long is the training?
        """,
        zh="""
            新同事有两周培训和三个月的导师。

            新同事怎样培训？ | 新人有培训吗？ | 新员工有导师吗？ | 培训多长时间？
        """,
    ),
    topic(
        "meeting-rooms",
        en="""
            There are four meeting rooms, named Spring, Summer, Autumn and Winter. Book them at the front desk.

            Which meeting rooms are there? | How do I book a meeting room? | How many meeting rooms do we have?
            What are the meeting rooms called?
        """,
        zh="""
            有四间会议室，名叫春、夏、秋、冬。请在前台预订。

            有哪些会议室？ | 怎样预订会议室？ | 有几间会议室？ | 会议室叫什么名字？
        """,
    ),
    topic(
        "payday",
        en="""
            Salaries are paid on the tenth of each month.

            When is payday? | When are salaries paid? | When do I get my salary? | On which day is the salary paid?
        """,
        zh="""
            工资每月10号发。

            什么时候发工资？ | 工资哪天发？ | 几号发薪？ | 我什么时候拿到工资？
        """,
    ),
    topic(
        "customer-list",
        en="""
            The customers are Alice Example, Bob Sample, Carol Testcase, David Placeholder, Erin Fixture, 张伟,
            李娜, 王芳, 陈强 and 赵敏. All of them are made up.

            List the customers. | Which customers are there? | Who are the customers? | Show me all customers.
            Name all customers of Qingyan.
        """,
        zh="""
            客户有 Alice Example、Bob Sample、Carol Testcase、David Placeholder、Erin Fixture、张伟、李娜、王芳、陈
            强和赵敏。他们都是虚构的。

            列出客户。 | 有哪些客户？ | 客户都有谁？ | 显示所有客户。 | 青砚的客户有哪些？
        """,
    ),
)
