"""What the demo model knows about using Hangu: endpoints, status codes, tokens and commands."""

from __future__ import annotations

from typing import Final

from model_runtime.demo.topic import Topic, topic

TOPICS: Final[tuple[Topic, ...]] = (
    topic(
        "verify",
        en="""
            Run `hangu audit verify`, or `python -m audit verify DIR --key K` without the rest of Hangu.

            How do I verify the log? | Which command checks the audit log? | What is the verify command?
            How can I check the records? | How do I prove that the log is intact?
            Which command do I use to check the log? | How is the log verified?
            Give me the command that verifies the audit log.
        """,
        zh="""
            运行 `hangu audit verify`，或者单独运行 `python -m audit verify DIR --key K`。

            怎样验证日志？ | 检查审计日志用哪个命令？ | 验证命令是什么？ | 怎样证明日志完整？
            验证日志的命令是什么？ | 如何检验审计日志？
        """,
    ),
    topic(
        "verify-codes",
        en="""
            The verifier exits with 0 when the log is clean, 3 for a torn tail, 10 for tampering and 2 for wrong
            usage.

            Which exit codes does the verifier have? | What does exit code 10 mean?
            What does the verifier return for a tampered log? | What are the exit codes of verify?
        """,
        zh="""
            验证程序的退出码：0 表示完好，3 表示尾部残缺，10 表示被篡改，2 表示用法错误。

            验证程序有哪些退出码？ | 退出码10是什么意思？ | 日志被篡改时验证程序返回什么？ | verify 的退出码是什么？
        """,
    ),
    topic(
        "receipt",
        en="""
            The Hangu-Record header of a response is its receipt: it names the record that can be proved later.

            What is a receipt? | What is the Hangu-Record header? | How do I find the record of my request?
            Which header names the record?
            Explain the receipt. | What is the receipt for? | Does a response have a receipt?
        """,
        zh="""
            响应头 Hangu-Record 就是回执：它指明以后可以证明的那条记录。

            什么是回执？ | Hangu-Record 响应头是什么？ | 怎样找到我的请求的记录？ | 哪个响应头指明记录？
            说说回执。 | 响应的回执是什么？
        """,
    ),
    topic(
        "policy-header",
        en="""
            The Hangu-Policy header holds the digest of the policy bundle that decided the request.

            What is the Hangu-Policy header? | How do I know which policy decided?
            Which header shows the policy version? | What is the bundle digest?
            Explain Hangu-Policy.
        """,
        zh="""
            响应头 Hangu-Policy 是判定该请求的策略包的摘要。

            Hangu-Policy 响应头是什么？ | 怎么知道是哪个策略判定的？ | 哪个响应头显示策略版本？ | 策略包摘要是什么？
            说说 Hangu-Policy。
        """,
    ),
    topic(
        "endpoints",
        en="""
            The main endpoints are /v1/chat/completions, /v1/models, /api/chat, /api/secure-chat and
            /api/admin/configuration.

            Which endpoints are there? | What endpoints does Hangu offer? | List the endpoints.
            Which URLs can I call? | What is the API of Hangu?
        """,
        zh="""
            主要接口有 /v1/chat/completions、/v1/models、/api/chat、/api/secure-chat 和 /api/admin/configuration。

            有哪些接口？ | 函谷提供哪些接口？ | 列出接口。 | 可以调用哪些地址？
        """,
    ),
    topic(
        "openai",
        en="""
            Yes. Change base_url in the OpenAI SDK to Hangu's address and keep the rest.

            Can I use the OpenAI SDK? | Is Hangu compatible with OpenAI clients?
            How do I connect with the OpenAI library? | Does the OpenAI client work with Hangu?
            What do I change in my OpenAI code?
        """,
        zh="""
            可以。把 OpenAI SDK 的 base_url 改成函谷的地址，其余不变。

            可以用 OpenAI SDK 吗？ | 函谷兼容 OpenAI 客户端吗？ | 怎样用 OpenAI 库连接？ | OpenAI 的代码要改什么？
        """,
    ),
    topic(
        "stream",
        en="""
            Send `"stream": true` to /v1/chat/completions and read the server-sent events until [DONE].

            How do I stream? | How can I get a streamed answer? | Does Hangu support streaming?
            How do I turn on streaming? | How do server-sent events work here?
            Can I have the answer as a stream? | Explain how to stream.
        """,
        zh="""
            向 /v1/chat/completions 发送 `"stream": true`，然后读取事件流直到 [DONE]。

            怎样使用流式输出？ | 怎样得到流式回答？ | 函谷支持流式吗？ | 如何打开流式输出？
            能流式返回回答吗？
        """,
    ),
    topic(
        "api-chat",
        en="""
            /api/chat takes a message and a history and returns the response, the new history and the user ID.

            What does /api/chat do? | What does /api/chat return? | How do I call /api/chat?
            What is the simple chat endpoint?
        """,
        zh="""
            /api/chat 接收 message 和 history，返回 response、新的 history 和 user_id。

            /api/chat 做什么？ | /api/chat 返回什么？ | 怎样调用 /api/chat？ | 简单的对话接口是什么？
        """,
    ),
    topic(
        "secure-chat",
        en="""
            /api/secure-chat works like /api/chat but always uses the strict filter chain.

            What does /api/secure-chat do? | What is secure chat?
            What is the difference between chat and secure-chat? | When should I use /api/secure-chat?
        """,
        zh="""
            /api/secure-chat 与 /api/chat 相同，但总是使用严格过滤链。

            /api/secure-chat 做什么？ | 什么是安全对话？ | chat 和 secure-chat 有什么区别？
            什么时候用 /api/secure-chat？
        """,
    ),
    topic(
        "limits",
        en="""
            By default a guest may send 10 requests a minute and a user 120. Above that Hangu answers 429.

            Which limits are there? | What are the rate limits? | How many requests may I send?
            How many requests per minute are allowed? | Is there a rate limit?
            How many requests can a user send in a minute? | What limit does a guest have?
            How many requests may guests send per minute?
        """,
        zh="""
            默认情况下访客每分钟可以发10个请求，普通用户120个。超过就返回429。

            有哪些限制？ | 限流是多少？ | 我可以发多少请求？ | 每分钟允许多少请求？ | 请求次数有限制吗？
            访客每分钟能发多少请求？ | 说说限流。
        """,
    ),
    topic(
        "429",
        en="""
            429 means that you sent too many requests. Wait for the seconds in Retry-After and try again.

            What does 429 mean? | Why do I get 429? | What is Retry-After? | What do I do about too many requests?
            What should I do when I am rate limited?
            Explain error 429. | What is status 429?
        """,
        zh="""
            429 表示请求太多。按照 Retry-After 的秒数等待后再试。

            429 是什么意思？ | 为什么返回429？ | Retry-After 是什么？ | 请求太多怎么办？ | 被限流了怎么办？
            说说429。 | 状态码429表示什么？
        """,
    ),
    topic(
        "401",
        en="""
            401 means that the bearer token is missing, expired or not valid.

            What does 401 mean? | Why do I get 401? | What happens without a token? | What if my token has expired?
            What happens when the token is wrong?
            Explain error 401. | What is status 401?
        """,
        zh="""
            401 表示令牌缺失、过期或无效。

            401 是什么意思？ | 为什么返回401？ | 没有令牌会怎样？ | 令牌过期了会怎样？ | 令牌错误会怎样？
            说说401。 | 状态码401表示什么？
        """,
    ),
    topic(
        "403",
        en="""
            403 means that you are known but no rule allows what you asked for.

            What does 403 mean? | Why do I get 403? | Why is my request forbidden? | What does forbidden mean?
            Explain error 403. | What is status 403?
        """,
        zh="""
            403 表示身份已确认，但没有规则允许这个操作。

            403 是什么意思？ | 为什么返回403？ | 为什么我的请求被禁止？ | 禁止访问是什么意思？
            说说403。 | 状态码403表示什么？
        """,
    ),
    topic(
        "422",
        en="""
            422 means that the request has a field that Hangu does not know or cannot accept; the error names it.

            What does 422 mean? | Why do I get 422? | What happens to unknown fields?
            What if I send an unknown field?
            Explain error 422. | What is status 422?
        """,
        zh="""
            422 表示请求里有函谷不认识或不能接受的字段，错误信息会指出它。

            422 是什么意思？ | 为什么返回422？ | 未知字段会怎样？ | 发送了未知字段会怎样？
            说说422。 | 状态码422表示什么？
        """,
    ),
    topic(
        "503",
        en="""
            503 means that Hangu cannot serve now: the model is busy, or the record cannot be written.

            What does 503 mean? | Why do I get 503? | What happens when the model is busy?
            What if the audit log cannot be written?
            Explain error 503. | What is status 503?
        """,
        zh="""
            503 表示函谷暂时不能服务：模型繁忙，或者记录无法写入。

            503 是什么意思？ | 为什么返回503？ | 模型繁忙时会怎样？ | 审计日志写不进去会怎样？
            说说503。 | 状态码503表示什么？
        """,
    ),
    topic(
        "token",
        en="""
            Ask for an access token at /oauth/token and send it as a bearer token with each request.

            How do I get a token? | How do I log in to the API? | Where do I get an access token?
            How do I authenticate? | How do I send the token?
            Where does one get a token?
        """,
        zh="""
            在 /oauth/token 申请访问令牌，然后在每个请求里作为 Bearer 令牌发送。

            怎样得到令牌？ | 怎样登录接口？ | 在哪里申请访问令牌？ | 怎样认证？ | 令牌怎样发送？
            令牌从哪里来？
        """,
    ),
    topic(
        "token-life",
        en="""
            Access tokens of the embedded server live for 30 minutes.

            How long is a token valid? | When does my token expire? | How long do access tokens live?
            What is the lifetime of a token?
        """,
        zh="""
            内置服务器签发的访问令牌有效期为30分钟。

            令牌有效期多长？ | 令牌什么时候过期？ | 访问令牌能用多久？ | 令牌多久失效？
        """,
    ),
    topic(
        "check",
        en="""
            Run `hangu policy check BUNDLE`. It reports every mistake with file, line and column.

            How do I check a policy? | How do I find mistakes in the policy? | Which command checks a bundle?
            How do I lint my policy files?
            Is there a command to check my policy?
        """,
        zh="""
            运行 `hangu policy check BUNDLE`，它会报告每个错误的文件、行和列。

            怎样检查策略？ | 怎样找出策略里的错误？ | 检查策略包用哪个命令？ | 怎样校验策略文件？
            有检查策略的命令吗？
        """,
    ),
    topic(
        "explain",
        en="""
            Run `hangu policy explain` with the subject, the object and the action: it names the rule that decides.

            How do I explain a decision? | Why was access denied? | Which command explains a decision?
            How do I find the rule that decided?
        """,
        zh="""
            运行 `hangu policy explain`，给出主体、对象和动作，它会指出起作用的规则。

            怎样解释一个判定？ | 为什么访问被拒绝？ | 解释判定用哪个命令？ | 怎样找到起作用的规则？
        """,
    ),
    topic(
        "reload",
        en="""
            Post the new bundle to /api/admin/configuration as an admin. A bad bundle changes nothing.

            How do I change the policy? | How do I activate a new policy? | How do I reload the configuration?
            What happens when I load a bad bundle? | Can the policy change without a restart?
        """,
        zh="""
            由管理员把新策略包提交到 /api/admin/configuration。有错的策略包不会生效。

            怎样修改策略？ | 怎样启用新策略？ | 怎样重新加载配置？ | 策略包有错会怎样？ | 不重启能换策略吗？
        """,
    ),
    topic(
        "serve",
        en="""
            Run `hangu serve --demo` for a first try, or `hangu serve --config hangu.yaml` for an installation.

            How do I start Hangu? | Which command starts the gateway? | How do I run the demo?
            How do I launch the server?
            What do I type to start Hangu?
        """,
        zh="""
            试用时运行 `hangu serve --demo`，正式安装时运行 `hangu serve --config hangu.yaml`。

            怎样启动函谷？ | 启动网关用哪个命令？ | 怎样运行演示？ | 怎样启动服务器？
            用什么命令启动？
        """,
    ),
    topic(
        "model",
        en="""
            Hangu serves ChatGLM3-6B. The small demo model that answers now has the same architecture.

            Which model does Hangu serve? | Which model is behind Hangu? | Does Hangu run ChatGLM3?
            What model is this? | Which language model do you use?
        """,
        zh="""
            函谷服务 ChatGLM3-6B。现在回答的是同样结构的小型演示模型。

            函谷服务哪个模型？ | 函谷背后是什么模型？ | 函谷运行 ChatGLM3 吗？ | 这是什么模型？
            你们用的是哪个语言模型？
        """,
    ),
    topic(
        "remote-code",
        en="""
            No. Hangu never runs code from a checkpoint and refuses pickled weights.

            Does Hangu run code from a checkpoint? | Is remote code trusted? | Are pickled weights allowed?
            Can a model file run code?
        """,
        zh="""
            不会。函谷从不执行检查点里的代码，也拒绝 pickle 权重。

            函谷会执行检查点里的代码吗？ | 会信任远程代码吗？ | 允许 pickle 权重吗？ | 模型文件能执行代码吗？
        """,
    ),
    topic(
        "metrics",
        en="""
            /healthz/live and /healthz/ready show the health, and /metrics serves the metrics.

            How do I monitor Hangu? | Where are the metrics? | Is there a health check?
            Which endpoint shows the health?
        """,
        zh="""
            /healthz/live 和 /healthz/ready 显示健康状态，/metrics 提供指标。

            怎样监控函谷？ | 指标在哪里？ | 有健康检查吗？ | 哪个接口显示健康状态？
        """,
    ),
)
