// Emoji with the names by which people look for them: sign, English, Chinese.
/** @type {[string, string, string][]} */
export const EMOJI = `
👍|thumbs up +1 yes|赞 好
👎|thumbs down -1 no|踩 不行
❤️|heart love|心 爱
😂|joy laugh tears|笑哭
😀|grin smile|笑
😊|blush smile|微笑
😉|wink|眨眼
😍|heart eyes|喜欢
😘|kiss|亲
🤔|thinking|思考
😅|sweat smile|尴尬 汗
😭|sob cry|大哭
😢|cry sad|哭
😡|angry|生气
😱|scream|惊恐
😴|sleep|睡
🤯|mind blown|震惊
🥳|party face|庆祝
😎|cool sunglasses|酷
🙃|upside down|倒脸
🤷|shrug|摊手
🤦|facepalm|捂脸
🙏|pray thanks please|谢谢 拜托
👏|clap|鼓掌
🙌|raised hands|万岁
👋|wave hello bye|你好 再见
👌|ok|好的
✌️|victory|耶
🤞|fingers crossed|祈祷
💪|muscle strong|加油
👀|eyes look|看
🧠|brain|脑
🎉|tada party|庆祝
🎂|cake birthday|蛋糕 生日
🎁|gift|礼物
🔥|fire|火
✨|sparkles|闪
⭐|star|星
🌈|rainbow|彩虹
☀️|sun|太阳
🌧️|rain|雨
❄️|snow|雪
🌱|seedling plant|苗 植物
🌸|blossom flower|花
🍎|apple|苹果
🍜|noodles|面
🍚|rice|饭
🍵|tea|茶
☕|coffee|咖啡
🍺|beer|啤酒
🐛|bug|虫 缺陷
🐱|cat|猫
🐶|dog|狗
🐼|panda|熊猫
🐧|penguin linux|企鹅
🦀|crab rust|螃蟹
🚀|rocket ship|火箭 上线
✈️|plane|飞机
🚗|car|车
🏠|home house|家
🏫|school|学校
💡|idea bulb|主意
🔧|wrench tool|工具
🔨|hammer|锤子
⚙️|gear|齿轮
🔌|plug power|插头 电
🔋|battery|电池
💻|laptop|电脑
📱|phone|手机
🖨️|printer|打印机
📷|camera photo|相机
🎧|headphones|耳机
📁|folder|文件夹
📎|paperclip|附件
📌|pin|图钉
📝|memo note|笔记
📅|calendar|日历
📈|chart up|上升
📉|chart down|下降
🔒|lock|锁
🔑|key|钥匙
🚪|door|门
🔔|bell|铃
⏰|alarm clock|闹钟
⏳|hourglass wait|等
✅|check done|完成
❌|cross no|错
❗|exclamation|注意
❓|question|问题
⚠️|warning|警告
💯|hundred|满分
➕|plus|加
🆗|ok button|好
🟢|green|绿
🔴|red|红
🟡|yellow|黄
💬|speech chat|聊天
👻|ghost|鬼
🤖|robot bot|机器人
🎮|game|游戏
⚽|football|足球
🎵|music|音乐
🌍|earth world|地球
`.trim().split("\n").map((line) => /** @type {[string, string, string]} */ (line.split("|")));
