"""What the demo model knows about Hangu itself: roles, policy, filters and the audit log."""

from __future__ import annotations

from typing import Final

from model_runtime.demo.topic import Topic, topic

TOPICS: Final[tuple[Topic, ...]] = (
    topic(
        "hangu",
        en="""
            Hangu is a policy-driven secure inference gateway. It authenticates, authorises, filters, limits,
            answers and records every request.

            What is Hangu? | Tell me about Hangu. | What does Hangu do? | Explain Hangu in one sentence.
            Can you describe the Hangu gateway? | Why would I use Hangu?
            What kind of thing is Hangu? | Hangu: what is it? | Explain to me what Hangu is.
        """,
        zh="""
            函谷是由策略驱动的安全推理网关。每个请求都要经过认证、授权、过滤、限流、应答和记录。

            函谷是什么？ | 介绍一下函谷。 | Hangu是什么？ | 函谷有什么用？ | 请用一句话说明函谷。
            函谷网关是做什么的？
            说说函谷是什么。 | 函谷是什么东西？
        """,
    ),
    topic(
        "name",
        en="""
            Hangu is named after the Hangu Pass, a fortified gate of ancient China.

            Where does the name Hangu come from? | Why is it called Hangu? | What does the name Hangu mean?
            What is Hangu named after?
            How did Hangu get its name?
        """,
        zh="""
            函谷的名字来自函谷关，中国古代的一座雄关。

            函谷的名字从哪里来？ | 为什么叫函谷？ | 函谷这个名字是什么意思？ | 函谷得名于什么？
            函谷这个名字怎么来的？
        """,
    ),
    topic(
        "people",
        en="""
            Three people use Hangu: the intranet client who calls the API, the security engineer who writes the
            policy, and the compliance reviewer who checks the records.

            Who uses Hangu? | Who is Hangu for? | Which three users does Hangu have?
            What kinds of people work with Hangu? | Name the users of Hangu.
            Which people use Hangu, and for what? | Tell me the three kinds of users.
        """,
        zh="""
            使用函谷的有三种人：调用接口的内网客户端、编写策略的安全工程师、检查记录的合规审查员。

            谁在使用函谷？ | 函谷是给谁用的？ | 函谷有哪三种用户？ | 哪些人会用到函谷？
            说说函谷的三种使用者。
        """,
    ),
    topic(
        "roles",
        en="""
            The default policy has three roles: admin, user and guest.

            Which roles are there? | What roles does the default policy have? | List the roles.
            Which roles does Hangu know? | How many roles exist in Hangu?
            Name the three roles.
        """,
        zh="""
            默认策略有三个角色：admin、user 和 guest。

            有哪些角色？ | 默认策略里有哪些角色？ | 函谷有几个角色？ | 列出所有角色。
            三个角色叫什么？
        """,
    ),
    topic(
        "admin",
        en="""
            The admin role may do what a user may, and also read and change the configuration and read the audit
            records.

            What may an admin do? | What is the admin role allowed to do? | What can the administrator do?
            Describe the admin role. | What rights does an admin have?
        """,
        zh="""
            admin 角色除了普通用户的权限，还可以查看和修改配置，并查看审计记录。

            管理员可以做什么？ | admin 角色有什么权限？ | 管理员有哪些权限？ | 介绍一下 admin 角色。
        """,
    ),
    topic(
        "user",
        en="""
            The user role may chat with the models and list them.

            What may a user do? | What is the user role allowed to do? | What can a normal user do?
            Describe the user role. | What rights does the user role have?
        """,
        zh="""
            user 角色可以与模型对话，也可以查看模型列表。

            普通用户可以做什么？ | user 角色有什么权限？ | 普通用户有哪些权限？ | 介绍一下 user 角色。
        """,
    ),
    topic(
        "guest",
        en="""
            The guest role may only chat, under the strict filter chain and a low request limit.

            What may a guest do? | What is the guest role allowed to do? | What can guests do?
            Describe the guest role. | What rights does a guest have?
        """,
        zh="""
            guest 角色只能对话，使用严格过滤链，请求次数也更少。

            访客可以做什么？ | guest 角色有什么权限？ | 访客有哪些权限？ | 介绍一下 guest 角色。
        """,
    ),
    topic(
        "default-deny",
        en="""
            Whatever no rule allows is denied, and a deny always wins over an allow.

            What happens when no rule matches? | Is access denied by default? | What if allow and deny both match?
            Which wins, allow or deny? | What is the default decision?
        """,
        zh="""
            没有规则允许的一律拒绝，而且拒绝总是优先于允许。

            没有规则匹配时会怎样？ | 默认是拒绝吗？ | 允许和拒绝同时匹配会怎样？ | 允许和拒绝哪个优先？
        """,
    ),
    topic(
        "bundle",
        en="""
            A policy bundle is a folder of files that the security team edits: rules, identity, filters, limits,
            network, audit and tests.

            What is a policy bundle? | Which files does a policy bundle have? | What are the policy files?
            What is in the bundle? | Where do the policies live?
        """,
        zh="""
            策略包是安全团队编辑的一组文件：规则、身份、过滤、限流、网络、审计和测试。

            什么是策略包？ | 策略包里有哪些文件？ | 策略文件有哪些？ | 策略放在哪里？
        """,
    ),
    topic(
        "policy-csv",
        en="""
            policy.csv holds the access rules as p lines and the role links as g lines.

            What is in policy.csv? | What is policy.csv for? | Which file holds the access rules?
            Where are the access rules written? | What are p and g lines?
            What do I write into policy.csv? | Explain policy.csv. | What does the file policy.csv contain?
        """,
        zh="""
            policy.csv 用 p 行写访问规则，用 g 行写角色关系。

            policy.csv 里有什么？ | policy.csv 是做什么的？ | 访问规则写在哪个文件里？ | p 行和 g 行是什么？
            说说 policy.csv。 | policy.csv 文件包含什么？
        """,
    ),
    topic(
        "casbin",
        en="""
            Casbin decides access from model.conf and policy.csv.

            Which engine decides access? | What decides access? | Does Hangu use Casbin? | What is Casbin used for?
            What is model.conf for?
            What role does Casbin play? | Explain what Casbin does.
        """,
        zh="""
            访问由 Casbin 根据 model.conf 和 policy.csv 判定。

            访问由谁判定？ | 函谷用 Casbin 吗？ | Casbin 用来做什么？ | model.conf 是做什么的？
            Casbin 在函谷里起什么作用？ | 说说 Casbin。
        """,
    ),
    topic(
        "filters",
        en="""
            Filters scan prompts and answers. They redact values such as card numbers, e-mail addresses and ID
            numbers, or block the request.

            What do the filters do? | How does filtering work? | What are filters? | Which data do the filters find?
            How is personal data protected? | What gets redacted?
            What is a filter for? | Explain filters. | How do filters work?
        """,
        zh="""
            过滤器检查提问和回答，遮盖卡号、邮箱、身份证号等内容，或者拦截请求。

            过滤器做什么？ | 过滤是怎样工作的？ | 什么是过滤器？ | 过滤器会找出哪些数据？ | 个人信息怎样保护？
            哪些内容会被遮盖？
            说说过滤器。 | 过滤器的作用是什么？
        """,
    ),
    topic(
        "chains",
        en="""
            A chain is an ordered list of filters. The default bundle has a standard chain and a strict chain.

            What is a filter chain? | What is the strict chain? | Which filter chains are there?
            What is the difference between standard and strict? | What is the standard chain?
            Explain the strict chain.
        """,
        zh="""
            过滤链是按顺序排列的一组过滤器。默认策略包有标准链和严格链。

            什么是过滤链？ | 什么是严格链？ | 有哪些过滤链？ | 标准链和严格链有什么区别？
            说说严格链。 | 严格过滤链是什么？
        """,
    ),
    topic(
        "stream-filter",
        en="""
            Streamed answers pass the same filters: text is held back until it can no longer become a match.

            Are streams filtered too? | Does streaming weaken the filters? | How are streamed answers filtered?
            Can a card number leak through streaming?
        """,
        zh="""
            流式回答经过同样的过滤器：可能成为匹配的文字会先扣住。

            流式回答也会过滤吗？ | 流式输出会削弱过滤吗？ | 流式回答怎样过滤？ | 卡号会从流式输出里泄露吗？
        """,
    ),
    topic(
        "placeholder",
        en="""
            A placeholder stands where Hangu removed a value, so the value itself never reached me.

            My card number is [CREDIT_CARD]. | My e-mail address is [EMAIL].
            My social security number is [US_SSN]. | What does [CREDIT_CARD] mean? | Is [CREDIT_CARD] a valid card?
            Why do I see [EMAIL] in the answer? | What does a placeholder in brackets mean?
        """,
        zh="""
            占位符表示函谷已经删去了那个值，所以我看不到它。

            我的卡号是[CREDIT_CARD]。 | 我的邮箱是[EMAIL]。 | 我的身份证号是[CN_ID]。 | [CREDIT_CARD]是什么意思？
            为什么回答里有[EMAIL]？ | 方括号里的占位符是什么意思？
        """,
    ),
    topic(
        "audit",
        en="""
            The audit log records who asked what, under which rule and policy version, and what was withheld.
            Nothing in it can be altered unnoticed.

            What is the audit log? | What does the audit log record? | What is recorded?
            Tell me about the audit log. | What does Hangu write to the log? | Who can see what I asked?
            What does Hangu log? | What is kept in the audit log? | Which things does Hangu record about me?
        """,
        zh="""
            审计日志记录谁问了什么、依据哪条规则和哪个策略版本、隐去了什么。任何改动都会被发现。

            什么是审计日志？ | 审计日志记录什么？ | 哪些内容会被记录？ | 介绍一下审计日志。 | 函谷把什么写进日志？
            函谷记录哪些内容？ | 函谷会记下什么？ | 审计日志里写了什么？
        """,
    ),
    topic(
        "tamper",
        en="""
            Each record is a leaf of a Merkle tree whose checkpoints are signed, so a changed or removed record
            shows up.

            How is the log protected? | Can someone change the log? | Can a record be deleted?
            How do you know that nothing was altered? | What is the Merkle tree for? | What is a checkpoint?
            Could anybody alter the log? | Is the log tamper-proof? | Can the records be changed?
        """,
        zh="""
            每条记录都是默克尔树的叶子，检查点有签名，所以改动或删除都会暴露。

            日志怎样防篡改？ | 有人能改日志吗？ | 记录可以删除吗？ | 怎么知道没有被改过？ | 默克尔树有什么用？
            什么是检查点？
            有人能篡改日志吗？ | 日志会被改动吗？
        """,
    ),
    topic(
        "refusal",
        en="""
            A refused request gets a clear error code and never reaches the model, and the refusal is recorded.

            What happens on a refusal? | What happens when a request is refused? | Is a refused request recorded?
            Does a denied request reach the model? | What happens if Hangu says no?
            What becomes of a refused request? | What if a request is rejected?
            What does Hangu do with refused requests?
        """,
        zh="""
            被拒绝的请求会得到明确的错误码，不会到达模型，而且会被记录。

            请求被拒绝会怎样？ | 拒绝以后会发生什么？ | 被拒绝的请求会记录吗？ | 被拒绝的请求会到达模型吗？
            函谷怎样处理被拒绝的请求？ | 拒绝的请求会怎么样？
        """,
    ),
    topic(
        "fail-closed",
        en="""
            Hangu fails closed: what cannot be decided, scanned, counted or recorded is refused.

            What does fail closed mean? | Does Hangu fail open or closed? | What happens when a filter breaks?
            What if something goes wrong inside Hangu? | Is there a fail-open switch?
        """,
        zh="""
            函谷出错即拒绝：不能判定、检查、计数或记录的请求一律拒绝。

            出错即拒绝是什么意思？ | 函谷出错时放行还是拒绝？ | 过滤器坏了会怎样？ | 函谷内部出错会怎样？
        """,
    ),
    topic(
        "fields",
        en="""
            Every field that carries text is scanned, or the request is refused.

            Which fields are scanned? | Are tool calls scanned too? | Is the system message filtered?
            Can I hide text in another field?
        """,
        zh="""
            所有带文字的字段都要检查，否则请求被拒绝。

            哪些字段会被检查？ | 工具调用也会检查吗？ | 系统消息会过滤吗？ | 能把文字藏在别的字段里吗？
        """,
    ),
    topic(
        "order",
        en="""
            The order is: authenticate, network, authorise, limit, filter the prompt, record, infer, filter the
            answer, record again.

            In which order are requests checked? | What are the steps of a request? | What happens to a request?
            Which check comes first? | What is the order of the stages?
        """,
        zh="""
            顺序是：认证、网络、授权、限流、过滤提问、记录、推理、过滤回答、再记录。

            请求按什么顺序检查？ | 一个请求有哪些步骤？ | 请求会经过什么？ | 先检查什么？
        """,
    ),
    topic(
        "network",
        en="""
            network.yaml says which source networks may reach the API, the admin pages, the console and the metrics.

            What is network.yaml for? | Which networks may connect? | Can I restrict by IP address?
            How do I limit access to the intranet?
        """,
        zh="""
            network.yaml 规定哪些来源网络可以访问接口、管理页面、控制台和指标。

            network.yaml 是做什么的？ | 哪些网络可以连接？ | 可以按 IP 地址限制吗？ | 怎样限制只能内网访问？
        """,
    ),
    topic(
        "role-token",
        en="""
            No. Text that a user types can never become a role token.

            Can I type a role token? | Can a user pretend to be the system?
            Can typed text become a system message? | Are role tokens in a prompt dangerous?
        """,
        zh="""
            不能。用户输入的文字永远不会变成角色标记。

            可以输入角色标记吗？ | 用户能冒充系统吗？ | 输入的文字能变成系统消息吗？ | 提问里的角色标记有危险吗？
        """,
    ),
)
